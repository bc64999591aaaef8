DROP TABLE misuse_report, charter_acceptance, showing_allowance, referent_showing, contact_state, referent;
DROP FUNCTION raise_contact_revision();
