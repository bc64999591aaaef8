DROP TABLE suggestion, structure_claim;
ALTER TABLE structure ADD COLUMN edited_at timestamptz;
COMMENT ON COLUMN structure.edited_at IS 'When somebody edited it here; a seed or an import no longer overwrites it. Null: never.';
-- What was set here stays, and no source may change it.
UPDATE structure SET edited_at = updated_at WHERE edits <> '{}';
ALTER TABLE structure DROP COLUMN keeper, DROP COLUMN closures, DROP COLUMN edits, DROP COLUMN taken_on;
