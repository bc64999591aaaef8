-- Every state of every record that people keep here, so that any of them can be read again and gone back to.

CREATE TABLE record_version (
    entity text NOT NULL CHECK (entity IN ('structure', 'referent', 'procedure', 'institution', 'practice_note')),
    record_id text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    made_at timestamptz NOT NULL,
    origin text NOT NULL CHECK (origin IN ('source', 'edit', 'suggestion', 'restoration', 'removal')),
    made_by text,
    keeper uuid REFERENCES organisation (id),
    state jsonb NOT NULL,
    PRIMARY KEY (entity, record_id, version)
);
COMMENT ON TABLE record_version IS 'The states of records, append-only. A record nobody ever changed here has none: its source tells all.';
COMMENT ON COLUMN record_version.entity IS 'What sort of record it is.';
COMMENT ON COLUMN record_version.record_id IS 'Its id, or its slug.';
COMMENT ON COLUMN record_version.version IS '1 for its first state on record, and so on.';
COMMENT ON COLUMN record_version.made_at IS 'Since when it was in this state.';
COMMENT ON COLUMN record_version.origin IS 'What brought it there: its source, an edit, a suggestion that was accepted, going back to an older state, its removal.';
COMMENT ON COLUMN record_version.made_by IS 'Slug of the organisation whose agent did; null for a source.';
COMMENT ON COLUMN record_version.keeper IS 'The organisation whose record it is, where that is nobody else''s to read.';
COMMENT ON COLUMN record_version.state IS 'The whole record.';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON record_version FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;

GRANT SELECT, INSERT ON record_version TO aiguilleur_app;
ALTER TABLE record_version ENABLE ROW LEVEL SECURITY;
CREATE POLICY scoped ON record_version
    USING (keeper IS NULL OR keeper = scope_organisation() OR scope_is_system());
