-- How many questions were asked, by procedure, place and what there was within reach: where possibilities are unequal is counted.
CREATE TABLE question_count (
    day date NOT NULL,
    procedure text NOT NULL,
    place_kind text NOT NULL CHECK (place_kind IN ('commune', 'departement')),
    place text NOT NULL,
    coverage text NOT NULL CHECK (coverage IN ('local', 'distant', 'remote_only', 'none')),
    questions bigint NOT NULL CHECK (questions > 0),
    PRIMARY KEY (day, procedure, place_kind, place, coverage)
);
COMMENT ON TABLE question_count IS 'Questions asked, added up: no instant, no words, nobody.';
COMMENT ON COLUMN question_count.day IS 'Day of the question, UTC; the first of its month when the procedure is sensitive.';
COMMENT ON COLUMN question_count.procedure IS 'Slug of the procedure; empty when the words matched none.';
COMMENT ON COLUMN question_count.place_kind IS 'commune, or departement when the procedure is sensitive.';
COMMENT ON COLUMN question_count.place IS 'INSEE code of the commune of today, or of the département, that the person was in.';
COMMENT ON COLUMN question_count.coverage IS 'What there was: local, distant, remote_only or none.';
COMMENT ON COLUMN question_count.questions IS 'How many.';

GRANT SELECT, INSERT, UPDATE ON question_count TO aiguilleur_app;
