DROP TRIGGER told ON organisation;
DROP TRIGGER told_of_new ON organisation;
DROP TABLE audit_entry, access_state, ended_session, mail_link, issuer, partner_key, member;
DROP FUNCTION refuse_change(), raise_access_revision(), scope_is_administrator();
REVOKE UPDATE (name, may_refer) ON organisation FROM aiguilleur_app;
ALTER TABLE organisation DROP COLUMN name, DROP COLUMN may_refer;
