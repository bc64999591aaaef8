-- Who may do what: members, partner keys, issuers, one-time links, ended sessions, and what was done about them.
-- An administrator's scope (aiguilleur.administrator) opens these tables and no other: it shows no referral.

CREATE FUNCTION scope_is_administrator() RETURNS boolean LANGUAGE sql STABLE
    AS $$ SELECT coalesce(current_setting('aiguilleur.administrator', true), '') = 'on' $$;
COMMENT ON FUNCTION scope_is_administrator() IS 'Whether a transaction is an administrator''s.';

ALTER TABLE organisation ADD COLUMN name text;
ALTER TABLE organisation ADD COLUMN may_refer boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN organisation.name IS 'What people call it; null until somebody says.';
COMMENT ON COLUMN organisation.may_refer IS 'Whether its partner tools may record referrals.';

CREATE TABLE member (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisation (id),
    issuer text NOT NULL,
    subject text NOT NULL,
    email text,
    roles text[] NOT NULL,
    institution text,
    territory text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    joined_at timestamptz,
    removed_at timestamptz,
    UNIQUE (organisation_id, issuer, subject),
    CHECK (removed_at IS NULL OR email IS NULL)
);
CREATE UNIQUE INDEX member_by_email ON member (email, organisation_id);
COMMENT ON TABLE member IS 'Somebody who acts for an organisation. A removed one stays, without address: its tokens are refused.';
COMMENT ON COLUMN member.id IS 'UUIDv7.';
COMMENT ON COLUMN member.organisation_id IS 'For whom it acts.';
COMMENT ON COLUMN member.issuer IS 'Who vouches for the subject: an issuer''s URL, or aiguilleur for this installation.';
COMMENT ON COLUMN member.subject IS 'What that issuer calls it; member-<id> for one who signs in by mail.';
COMMENT ON COLUMN member.email IS 'Professional address, lower case, for one who signs in by mail; erased on removal.';
COMMENT ON COLUMN member.roles IS 'Roles, in place of those its tokens tell.';
COMMENT ON COLUMN member.institution IS 'Slug of the institution whose contacts an institution editor keeps.';
COMMENT ON COLUMN member.territory IS 'Codes of départements, or FR: where its roles count.';
COMMENT ON COLUMN member.created_at IS 'When it was invited or added.';
COMMENT ON COLUMN member.joined_at IS 'When it first signed in, or was added; null while only invited.';
COMMENT ON COLUMN member.removed_at IS 'Since when its tokens are refused.';

CREATE TABLE partner_key (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisation (id),
    label text NOT NULL,
    key text NOT NULL UNIQUE,
    origins text[] NOT NULL,
    quota_per_minute integer NOT NULL CHECK (quota_per_minute > 0),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    replaces uuid REFERENCES partner_key (id)
);
COMMENT ON TABLE partner_key IS 'What a partner''s pages say of themselves: for quota, logging and framing. Anybody may read it there: it opens nothing.';
COMMENT ON COLUMN partner_key.id IS 'UUIDv7.';
COMMENT ON COLUMN partner_key.organisation_id IS 'The partner.';
COMMENT ON COLUMN partner_key.label IS 'What it is used for.';
COMMENT ON COLUMN partner_key.key IS 'As written in the partner''s pages: pk_ and 32 characters.';
COMMENT ON COLUMN partner_key.origins IS 'Scheme, host and port of those pages, matched exactly.';
COMMENT ON COLUMN partner_key.quota_per_minute IS 'Requests per minute on each node.';
COMMENT ON COLUMN partner_key.created_at IS 'When it was made.';
COMMENT ON COLUMN partner_key.expires_at IS 'Last instant of one that was rotated; null for one in use.';
COMMENT ON COLUMN partner_key.revoked_at IS 'Since when it is refused.';
COMMENT ON COLUMN partner_key.replaces IS 'The key that it was rotated from.';

CREATE TABLE issuer (
    id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    label text NOT NULL,
    url text NOT NULL UNIQUE,
    audiences text[] NOT NULL,
    algorithms text[] NOT NULL,
    client_id text,
    roles_claim text,
    role_map jsonb NOT NULL,
    organisation_claim text,
    organisation text,
    created_at timestamptz NOT NULL,
    CHECK (organisation_claim IS NULL OR organisation IS NULL)
);
COMMENT ON TABLE issuer IS 'An OpenID Connect provider whose tokens are taken here.';
COMMENT ON COLUMN issuer.id IS 'UUIDv7.';
COMMENT ON COLUMN issuer.slug IS 'Its name in addresses and settings.';
COMMENT ON COLUMN issuer.label IS 'What the sign-in page calls it.';
COMMENT ON COLUMN issuer.url IS 'Its issuer identifier, as in its tokens.';
COMMENT ON COLUMN issuer.audiences IS 'Audiences of its tokens that are meant for this service.';
COMMENT ON COLUMN issuer.algorithms IS 'Signature algorithms it uses; never a symmetric one.';
COMMENT ON COLUMN issuer.client_id IS 'This service''s name there, for signing in by browser; null where that isn''t offered.';
COMMENT ON COLUMN issuer.roles_claim IS 'JSON pointer to the claim that holds roles, in tokens of who is no member.';
COMMENT ON COLUMN issuer.role_map IS 'Value of that claim to role here.';
COMMENT ON COLUMN issuer.organisation_claim IS 'JSON pointer to the claim that holds the organisation''s slug.';
COMMENT ON COLUMN issuer.organisation IS 'Slug of the organisation of all its subjects, where no claim says.';
COMMENT ON COLUMN issuer.created_at IS 'When it was added.';

CREATE TABLE mail_link (
    digest text PRIMARY KEY,
    email text NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
COMMENT ON TABLE mail_link IS 'A one-time link sent by mail, to sign in.';
COMMENT ON COLUMN mail_link.digest IS 'SHA-256 of its token, hexadecimal; the token itself is in the mail alone.';
COMMENT ON COLUMN mail_link.email IS 'The address it was sent to.';
COMMENT ON COLUMN mail_link.expires_at IS 'Until when it is good.';
COMMENT ON COLUMN mail_link.used_at IS 'When it was used; it isn''t good a second time.';

CREATE TABLE ended_session (
    token_id uuid PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE ended_session IS 'Tokens refused before their time: sessions that were signed out.';
COMMENT ON COLUMN ended_session.token_id IS 'Their jti.';
COMMENT ON COLUMN ended_session.expires_at IS 'When they end by themselves, and the row with them.';

CREATE TABLE access_state (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    revision bigint NOT NULL
);
INSERT INTO access_state (revision) VALUES (1);
COMMENT ON TABLE access_state IS 'One row: how often access changed. Every node asks for it each second.';
COMMENT ON COLUMN access_state.id IS 'Always true.';
COMMENT ON COLUMN access_state.revision IS 'Raised by every change of what the nodes keep in memory.';

CREATE FUNCTION raise_access_revision() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN UPDATE access_state SET revision = revision + 1; RETURN NULL; END $$;
COMMENT ON FUNCTION raise_access_revision() IS 'Tells every node that access changed.';
CREATE TRIGGER told AFTER INSERT OR UPDATE OR DELETE ON member FOR EACH STATEMENT EXECUTE FUNCTION raise_access_revision();
CREATE TRIGGER told AFTER INSERT OR UPDATE OR DELETE ON partner_key FOR EACH STATEMENT EXECUTE FUNCTION raise_access_revision();
CREATE TRIGGER told AFTER INSERT OR UPDATE OR DELETE ON issuer FOR EACH STATEMENT EXECUTE FUNCTION raise_access_revision();
CREATE TRIGGER told AFTER INSERT ON ended_session FOR EACH STATEMENT EXECUTE FUNCTION raise_access_revision();
CREATE TRIGGER told AFTER UPDATE ON organisation FOR EACH STATEMENT EXECUTE FUNCTION raise_access_revision();
-- One that is only born at its first referral has nothing to tell.
CREATE TRIGGER told_of_new AFTER INSERT ON organisation FOR EACH ROW WHEN (NEW.may_refer OR NEW.name IS NOT NULL)
    EXECUTE FUNCTION raise_access_revision();

CREATE TABLE audit_entry (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    subject text NOT NULL,
    organisation text NOT NULL,
    action text NOT NULL,
    entity text NOT NULL,
    entity_id text NOT NULL,
    organisation_id uuid,
    network text,
    request_id text,
    before jsonb,
    after jsonb
);
CREATE INDEX audit_entry_by_entity ON audit_entry (entity, entity_id, id);
COMMENT ON TABLE audit_entry IS 'Append-only: who changed what, when, from where. It holds no secret, and of persons only what tokens call them.';
COMMENT ON COLUMN audit_entry.id IS 'UUIDv7.';
COMMENT ON COLUMN audit_entry.at IS 'When.';
COMMENT ON COLUMN audit_entry.subject IS 'Who: subject of the token, or cli.';
COMMENT ON COLUMN audit_entry.organisation IS 'Slug of the organisation it acted for.';
COMMENT ON COLUMN audit_entry.action IS 'What was done: the operation''s id.';
COMMENT ON COLUMN audit_entry.entity IS 'What sort of record it was done to.';
COMMENT ON COLUMN audit_entry.entity_id IS 'Which one.';
COMMENT ON COLUMN audit_entry.organisation_id IS 'Whose record it is; its editors may read this row.';
COMMENT ON COLUMN audit_entry.network IS 'From where: the first 24 bits of an IPv4 address, 48 of an IPv6 one; null for the command line.';
COMMENT ON COLUMN audit_entry.request_id IS 'Id of the request; null for the command line.';
COMMENT ON COLUMN audit_entry.before IS 'The record before; null when it is new.';
COMMENT ON COLUMN audit_entry.after IS 'The record after; null when it is gone.';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$;
COMMENT ON FUNCTION refuse_change() IS 'Keeps an append-only table so, its owner''s changes included.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT UPDATE (name, may_refer) ON organisation TO aiguilleur_app;
GRANT SELECT, INSERT, UPDATE ON member, partner_key TO aiguilleur_app;
GRANT SELECT, INSERT, DELETE ON issuer, ended_session TO aiguilleur_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON mail_link TO aiguilleur_app;
GRANT SELECT, UPDATE ON access_state TO aiguilleur_app;
GRANT SELECT, INSERT ON audit_entry TO aiguilleur_app;

ALTER TABLE member ENABLE ROW LEVEL SECURITY;
ALTER TABLE partner_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE issuer ENABLE ROW LEVEL SECURITY;
ALTER TABLE mail_link ENABLE ROW LEVEL SECURITY;
ALTER TABLE ended_session ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_entry ENABLE ROW LEVEL SECURITY;

CREATE POLICY scoped ON member USING (scope_is_administrator() OR scope_is_system());
CREATE POLICY scoped ON partner_key USING (scope_is_administrator() OR scope_is_system());
CREATE POLICY scoped ON issuer USING (scope_is_administrator() OR scope_is_system());
CREATE POLICY scoped ON mail_link USING (scope_is_administrator() OR scope_is_system());
CREATE POLICY scoped ON ended_session USING (scope_is_system());
-- Whoever changes something adds to the audit in the same transaction; reading it is another matter.
CREATE POLICY added ON audit_entry FOR INSERT WITH CHECK (true);
CREATE POLICY scoped ON audit_entry FOR SELECT USING (organisation_id = scope_organisation() OR scope_is_administrator());
