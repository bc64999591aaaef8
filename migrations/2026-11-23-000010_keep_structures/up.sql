-- Structures kept by those who run them: who keeps a record, what was set of it against its source, who asks to keep it, what others
-- suggest.

ALTER TABLE structure
    ADD COLUMN keeper uuid REFERENCES organisation (id),
    ADD COLUMN closures jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN edits jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN taken_on date;
UPDATE structure SET taken_on = (updated_at AT TIME ZONE 'UTC')::date;
ALTER TABLE structure ALTER COLUMN taken_on SET NOT NULL, DROP COLUMN edited_at;
COMMENT ON COLUMN structure.keeper IS 'The organisation that keeps the record. Null: nobody does but its source.';
COMMENT ON COLUMN structure.closures IS 'Exceptional closures: first and last day, and why; none overlaps another.';
COMMENT ON COLUMN structure.edits IS 'By field set here: slug of the organisation that did, day, how, and what the source says of it, by column.';
COMMENT ON COLUMN structure.taken_on IS 'The day on which what its source says was taken as it is.';
CREATE INDEX structure_by_keeper ON structure (keeper) WHERE keeper IS NOT NULL;

CREATE TABLE structure_claim (
    id uuid PRIMARY KEY,
    structure_id uuid NOT NULL REFERENCES structure (id) ON DELETE CASCADE,
    organisation_id uuid NOT NULL REFERENCES organisation (id),
    made_at timestamptz NOT NULL,
    checked_by text NOT NULL CHECK (checked_by IN ('mail', 'administrator')),
    token_digest text UNIQUE,
    expires_at timestamptz,
    status text NOT NULL CHECK (status IN ('open', 'accepted', 'refused', 'lapsed')),
    settled_at timestamptz,
    CHECK ((status = 'open') = (settled_at IS NULL)),
    CHECK ((token_digest IS NULL) = (expires_at IS NULL))
);
CREATE UNIQUE INDEX structure_claim_open ON structure_claim (structure_id, organisation_id) WHERE status = 'open';
COMMENT ON TABLE structure_claim IS 'Organisations that ask to keep the record of a structure.';
COMMENT ON COLUMN structure_claim.id IS 'UUIDv7.';
COMMENT ON COLUMN structure_claim.structure_id IS 'The structure.';
COMMENT ON COLUMN structure_claim.organisation_id IS 'The organisation that says it runs it.';
COMMENT ON COLUMN structure_claim.made_at IS 'When it was asked.';
COMMENT ON COLUMN structure_claim.checked_by IS 'Who is to say: whoever reads the mail of the record''s own address, or an administrator.';
COMMENT ON COLUMN structure_claim.token_digest IS 'SHA-256 of the secret in the mail, hexadecimal; the secret itself is in the mail alone.';
COMMENT ON COLUMN structure_claim.expires_at IS 'Until when the mail''s link is good.';
COMMENT ON COLUMN structure_claim.status IS 'open, accepted, refused, or lapsed: its link was over, and another was asked for.';
COMMENT ON COLUMN structure_claim.settled_at IS 'When it was no longer open.';

CREATE TABLE suggestion (
    id uuid PRIMARY KEY,
    structure_id uuid NOT NULL REFERENCES structure (id) ON DELETE CASCADE,
    organisation_id uuid NOT NULL REFERENCES organisation (id),
    made_at timestamptz NOT NULL,
    changes jsonb NOT NULL,
    note text,
    verdict text CHECK (verdict IN ('accepted', 'refused')),
    settled_at timestamptz,
    CHECK ((verdict IS NULL) = (settled_at IS NULL))
);
CREATE INDEX suggestion_by_structure ON suggestion (structure_id, id);
COMMENT ON TABLE suggestion IS 'What somebody signed in says should be changed of a record, until its keeper says yes or no.';
COMMENT ON COLUMN suggestion.id IS 'UUIDv7.';
COMMENT ON COLUMN suggestion.structure_id IS 'The structure.';
COMMENT ON COLUMN suggestion.organisation_id IS 'Whose agent says so.';
COMMENT ON COLUMN suggestion.made_at IS 'When.';
COMMENT ON COLUMN suggestion.changes IS 'The values suggested, by field.';
COMMENT ON COLUMN suggestion.note IS 'Why, or how it is known.';
COMMENT ON COLUMN suggestion.verdict IS 'accepted or refused; null while it waits.';
COMMENT ON COLUMN suggestion.settled_at IS 'When it was accepted or refused.';

GRANT SELECT, INSERT, UPDATE ON structure_claim, suggestion TO aiguilleur_app;
ALTER TABLE structure_claim ENABLE ROW LEVEL SECURITY;
ALTER TABLE suggestion ENABLE ROW LEVEL SECURITY;
CREATE POLICY scoped ON structure_claim
    USING (organisation_id = scope_organisation() OR scope_is_administrator() OR scope_is_system());
CREATE POLICY bearer ON structure_claim FOR SELECT
    USING (token_digest = scope_bearer());
-- A keeper reads what others suggest of its records: which are its own is for the application to say, in the system's scope.
CREATE POLICY scoped ON suggestion
    USING (organisation_id = scope_organisation() OR scope_is_system());
