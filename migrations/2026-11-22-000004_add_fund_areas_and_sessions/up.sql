-- Whom a fund's desk serves, and who receives people at another's place.

CREATE TABLE fund_area (
    institution text NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    departements text[] NOT NULL,
    PRIMARY KEY (institution, code)
);
COMMENT ON TABLE fund_area IS 'The funds and académies that span several départements. One that is not listed is that of its département.';
COMMENT ON COLUMN fund_area.institution IS 'Slug of the institution; academie: every institution whose territory is the académie.';
COMMENT ON COLUMN fund_area.code IS 'Identifier among those of the institution: portes-de-bretagne.';
COMMENT ON COLUMN fund_area.name IS 'Its name: MSA Portes de Bretagne.';
COMMENT ON COLUMN fund_area.departements IS 'The codes of the départements it spans.';

ALTER TABLE structure ADD COLUMN sessions jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN structure.sessions IS 'Who else receives people there at times: holder, kind, institution, procedures, groups, hours, access, places, note.';

GRANT SELECT, INSERT, DELETE ON fund_area TO aiguilleur_app;

COMMENT ON COLUMN seed_layer.name IS 'catalogue, fund-areas, communes, town-halls or demonstration.';
