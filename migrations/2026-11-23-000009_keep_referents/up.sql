-- Institutions' referent contacts: who they are, how often they were shown, and to nobody in particular.

CREATE TABLE referent (
    id uuid PRIMARY KEY,
    institution text NOT NULL REFERENCES institution (slug),
    keeper uuid NOT NULL REFERENCES organisation (id),
    function text NOT NULL,
    territory text[] NOT NULL CHECK (cardinality(territory) > 0),
    procedures text[] NOT NULL,
    email text,
    phone text,
    platform_label text,
    platform_url text,
    hours text,
    reasons text[] NOT NULL CHECK (cardinality(reasons) > 0),
    visibility text NOT NULL CHECK (visibility IN ('same_territory', 'all_mediators', 'relay')),
    verify_by date NOT NULL,
    prerequisites text[] NOT NULL,
    weekly_cap smallint CHECK (weekly_cap >= 0),
    absences text[] NOT NULL,
    substitute uuid,
    suspended boolean NOT NULL,
    note text,
    version integer NOT NULL,
    updated_on date NOT NULL,
    dates jsonb NOT NULL,
    week date NOT NULL CHECK (extract(isodow FROM week) = 1),
    shown integer NOT NULL DEFAULT 0,
    reminded boolean NOT NULL DEFAULT false,
    CHECK (coalesce(email, phone, platform_url) IS NOT NULL),
    CHECK (visibility <> 'relay' OR email IS NOT NULL),
    CHECK ((platform_label IS NULL) = (platform_url IS NULL))
);
CREATE INDEX referent_by_institution ON referent (institution, id);
COMMENT ON TABLE referent IS 'A function inside an institution that professionals may reach; never public.';
COMMENT ON COLUMN referent.id IS 'UUIDv7.';
COMMENT ON COLUMN referent.institution IS 'Whose it is.';
COMMENT ON COLUMN referent.keeper IS 'The organisation that keeps it; nobody else reads the row.';
COMMENT ON COLUMN referent.function IS 'A role, never a person''s name.';
COMMENT ON COLUMN referent.territory IS 'Codes of départements, or FR: whose residents it is for.';
COMMENT ON COLUMN referent.procedures IS 'Slugs; empty: all those of its institution.';
COMMENT ON COLUMN referent.email IS 'The function''s own address.';
COMMENT ON COLUMN referent.phone IS 'E.164, or the digits as dialled of a short number.';
COMMENT ON COLUMN referent.platform_label IS 'What the institution''s own platform is called.';
COMMENT ON COLUMN referent.platform_url IS 'Where it is.';
COMMENT ON COLUMN referent.hours IS 'OSM opening_hours syntax.';
COMMENT ON COLUMN referent.reasons IS 'What it may be used for: redirect, complex_case, understand.';
COMMENT ON COLUMN referent.visibility IS 'Who may see it.';
COMMENT ON COLUMN referent.verify_by IS 'The last day on which it counts as right.';
COMMENT ON COLUMN referent.prerequisites IS 'What a mediator confirms before it is shown.';
COMMENT ON COLUMN referent.weekly_cap IS 'How often it is shown in a week; null: no cap.';
COMMENT ON COLUMN referent.absences IS 'Days off, as first/last.';
COMMENT ON COLUMN referent.substitute IS 'Another of the same institution that stands in meanwhile.';
COMMENT ON COLUMN referent.suspended IS 'Shown to nobody until its editor says otherwise.';
COMMENT ON COLUMN referent.note IS 'What to know before reaching it.';
COMMENT ON COLUMN referent.version IS 'Number of its state in record_version.';
COMMENT ON COLUMN referent.updated_on IS 'Day of its last change.';
COMMENT ON COLUMN referent.dates IS 'Day of the last change of each field, by its name.';
COMMENT ON COLUMN referent.week IS 'The Monday of the week that shown counts.';
COMMENT ON COLUMN referent.shown IS 'How often it was shown in that week.';
COMMENT ON COLUMN referent.reminded IS 'Its editors were told that its verify-by date is past.';

CREATE TABLE contact_state (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    revision bigint NOT NULL
);
INSERT INTO contact_state (revision) VALUES (1);
COMMENT ON TABLE contact_state IS 'One row: how often referents changed. Every node asks for it. Apart from the directory''s revision, which anybody may read.';
COMMENT ON COLUMN contact_state.id IS 'Always true.';
COMMENT ON COLUMN contact_state.revision IS 'Raised by every change that answers must tell of.';

CREATE FUNCTION raise_contact_revision() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN UPDATE contact_state SET revision = revision + 1; RETURN NULL; END $$;
COMMENT ON FUNCTION raise_contact_revision() IS 'Tells every node that referents changed.';
CREATE TRIGGER told AFTER INSERT OR DELETE OR UPDATE OF version, keeper ON referent
    FOR EACH STATEMENT EXECUTE FUNCTION raise_contact_revision();
CREATE TRIGGER told_when_full AFTER UPDATE OF shown ON referent FOR EACH ROW WHEN (NEW.shown >= NEW.weekly_cap)
    EXECUTE FUNCTION raise_contact_revision();

CREATE TABLE referent_showing (
    referent_id uuid NOT NULL REFERENCES referent (id) ON DELETE CASCADE,
    week date NOT NULL CHECK (extract(isodow FROM week) = 1),
    departement text NOT NULL,
    procedure text,
    shown bigint NOT NULL,
    UNIQUE NULLS NOT DISTINCT (referent_id, week, departement, procedure)
);
COMMENT ON TABLE referent_showing IS 'How often a referent was shown, added up: by territory and procedure, never by whom.';
COMMENT ON COLUMN referent_showing.referent_id IS 'Which one.';
COMMENT ON COLUMN referent_showing.week IS 'The week''s Monday.';
COMMENT ON COLUMN referent_showing.departement IS 'Where the people live that it was shown for.';
COMMENT ON COLUMN referent_showing.procedure IS 'Their procedure; null for what is handled discreetly.';
COMMENT ON COLUMN referent_showing.shown IS 'How often it was shown, or a message was forwarded to it.';

CREATE TABLE showing_allowance (
    day date NOT NULL,
    person text NOT NULL,
    used integer NOT NULL,
    PRIMARY KEY (day, person)
);
COMMENT ON TABLE showing_allowance IS 'How many referents somebody was shown on a day, and nothing of which; forgotten the day after.';
COMMENT ON COLUMN showing_allowance.day IS 'The day in Paris.';
COMMENT ON COLUMN showing_allowance.person IS 'SHA-256 of the day, the issuer and the subject, hexadecimal: two days can''t be put together.';
COMMENT ON COLUMN showing_allowance.used IS 'How many.';

CREATE TABLE charter_acceptance (
    person text NOT NULL,
    version smallint NOT NULL,
    accepted_on date NOT NULL,
    PRIMARY KEY (person, version)
);
COMMENT ON TABLE charter_acceptance IS 'Who accepted the charter without which no referent is shown.';
COMMENT ON COLUMN charter_acceptance.person IS 'SHA-256 of the issuer and the subject, hexadecimal.';
COMMENT ON COLUMN charter_acceptance.version IS 'Which text.';
COMMENT ON COLUMN charter_acceptance.accepted_on IS 'When.';

CREATE TABLE misuse_report (
    id uuid PRIMARY KEY,
    referent_id uuid NOT NULL REFERENCES referent (id) ON DELETE CASCADE,
    keeper uuid NOT NULL REFERENCES organisation (id),
    reason text NOT NULL CHECK (reason IN ('passed_on', 'wrong_reason', 'not_prepared', 'personal_data', 'other')),
    note text,
    reported_on date NOT NULL,
    settled_on date
);
COMMENT ON TABLE misuse_report IS 'What an institution says of a contact that wasn''t used as agreed.';
COMMENT ON COLUMN misuse_report.id IS 'UUIDv7.';
COMMENT ON COLUMN misuse_report.referent_id IS 'Which contact.';
COMMENT ON COLUMN misuse_report.keeper IS 'The organisation that says so.';
COMMENT ON COLUMN misuse_report.reason IS 'passed_on (to the public), wrong_reason, not_prepared, personal_data, other.';
COMMENT ON COLUMN misuse_report.note IS 'In a few words, of nobody in particular.';
COMMENT ON COLUMN misuse_report.reported_on IS 'When.';
COMMENT ON COLUMN misuse_report.settled_on IS 'When an administrator dealt with it; null while open.';

GRANT SELECT, INSERT, UPDATE, DELETE ON referent TO aiguilleur_app;
GRANT SELECT, UPDATE ON contact_state TO aiguilleur_app;
GRANT SELECT, INSERT, UPDATE ON referent_showing TO aiguilleur_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON showing_allowance TO aiguilleur_app;
GRANT SELECT, INSERT ON charter_acceptance TO aiguilleur_app;
GRANT SELECT, INSERT, UPDATE (settled_on) ON misuse_report TO aiguilleur_app;

ALTER TABLE referent ENABLE ROW LEVEL SECURITY;
ALTER TABLE referent_showing ENABLE ROW LEVEL SECURITY;
ALTER TABLE showing_allowance ENABLE ROW LEVEL SECURITY;
ALTER TABLE charter_acceptance ENABLE ROW LEVEL SECURITY;
ALTER TABLE misuse_report ENABLE ROW LEVEL SECURITY;
CREATE POLICY scoped ON referent
    USING (keeper = scope_organisation() OR scope_is_system());
CREATE POLICY scoped ON referent_showing
    USING (referent_id IN (SELECT id FROM referent WHERE keeper = scope_organisation()) OR scope_is_system());
CREATE POLICY scoped ON showing_allowance
    USING (scope_is_system());
CREATE POLICY scoped ON charter_acceptance
    USING (scope_is_system());
CREATE POLICY scoped ON misuse_report
    USING (keeper = scope_organisation() OR scope_is_administrator() OR scope_is_system());
