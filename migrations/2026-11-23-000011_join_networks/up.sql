-- Networks: organisations that share a page of practice notes and a manager; and the source of what is said of institutions.

CREATE TABLE network (
    id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    label text NOT NULL,
    territory text[] NOT NULL CHECK (cardinality(territory) > 0),
    theme text,
    keeper uuid NOT NULL REFERENCES organisation (id),
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE network IS 'Organisations of a département, a region or a theme that work together.';
COMMENT ON COLUMN network.id IS 'UUIDv7.';
COMMENT ON COLUMN network.slug IS 'Its short name.';
COMMENT ON COLUMN network.label IS 'What people call it.';
COMMENT ON COLUMN network.territory IS 'Codes of départements, or FR.';
COMMENT ON COLUMN network.theme IS 'The group of procedures it is about; null: all of them.';
COMMENT ON COLUMN network.keeper IS 'The organisation of its managers.';
COMMENT ON COLUMN network.created_at IS 'When it was made.';
CREATE INDEX network_by_keeper ON network (keeper);

CREATE TABLE network_member (
    network_id uuid NOT NULL REFERENCES network (id),
    organisation_id uuid NOT NULL REFERENCES organisation (id),
    joined_at timestamptz NOT NULL,
    left_at timestamptz CHECK (left_at >= joined_at),
    PRIMARY KEY (network_id, organisation_id, joined_at)
);
CREATE UNIQUE INDEX network_member_now ON network_member (network_id, organisation_id) WHERE left_at IS NULL;
CREATE INDEX network_member_by_organisation ON network_member (organisation_id);
COMMENT ON TABLE network_member IS 'Who belongs, or belonged, to a network. Its figures count what a member did while it was one: to add or to take away one member tells nothing of it.';
COMMENT ON COLUMN network_member.network_id IS 'The network.';
COMMENT ON COLUMN network_member.organisation_id IS 'The member.';
COMMENT ON COLUMN network_member.joined_at IS 'Since when.';
COMMENT ON COLUMN network_member.left_at IS 'Until when; null: still.';

CREATE TABLE practice_note (
    id uuid PRIMARY KEY,
    network_id uuid NOT NULL REFERENCES network (id),
    procedure text NOT NULL REFERENCES procedure (slug),
    markdown text,
    version integer NOT NULL CHECK (version > 0),
    updated_at timestamptz NOT NULL,
    updated_by text NOT NULL,
    UNIQUE (network_id, procedure)
);
COMMENT ON TABLE practice_note IS 'What a network''s members tell each other of a procedure. Removed ones keep their row, so that a version is never another''s.';
COMMENT ON COLUMN practice_note.id IS 'UUIDv7; that of its states in record_version.';
COMMENT ON COLUMN practice_note.network_id IS 'Whose it is; it stays there when who wrote it leaves.';
COMMENT ON COLUMN practice_note.procedure IS 'What it is about.';
COMMENT ON COLUMN practice_note.markdown IS 'As written; null once removed.';
COMMENT ON COLUMN practice_note.version IS '1, then one more at each change.';
COMMENT ON COLUMN practice_note.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN practice_note.updated_by IS 'Slug of the organisation whose agent did.';

ALTER TABLE institution ADD COLUMN sources jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN institution.sources IS 'Where its facts were read: field, title, address, date of each.';
-- To be applied once more, for these.
DELETE FROM seed_layer WHERE name = 'catalogue';

GRANT SELECT, INSERT, UPDATE ON network, network_member, practice_note TO aiguilleur_app;

ALTER TABLE network ENABLE ROW LEVEL SECURITY;
ALTER TABLE network_member ENABLE ROW LEVEL SECURITY;
ALTER TABLE practice_note ENABLE ROW LEVEL SECURITY;

-- As its owner, whom no policy binds: a policy on either table that read the other would call itself.
CREATE FUNCTION scope_networks() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT id FROM network WHERE keeper = scope_organisation()
          UNION SELECT network_id FROM network_member WHERE organisation_id = scope_organisation() AND left_at IS NULL $$;
COMMENT ON FUNCTION scope_networks() IS 'Networks that the transaction''s organisation belongs to, or keeps.';

CREATE POLICY seen ON network FOR SELECT USING (id IN (SELECT scope_networks()));
CREATE POLICY scoped ON network USING (scope_is_administrator() OR scope_is_system());
CREATE POLICY seen ON network_member FOR SELECT USING (network_id IN (SELECT scope_networks()));
CREATE POLICY scoped ON network_member USING (scope_is_administrator() OR scope_is_system());
CREATE POLICY seen ON practice_note FOR SELECT USING (network_id IN (SELECT scope_networks()) OR scope_is_administrator());
CREATE POLICY scoped ON practice_note USING (scope_is_system());
