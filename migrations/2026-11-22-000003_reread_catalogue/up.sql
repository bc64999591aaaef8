-- The catalogue read again: what people say when they need a procedure, how it goes, what it costs, and the appeal stage by stage.
ALTER TABLE procedure
    DROP COLUMN appeal,
    DROP COLUMN doubtful,
    ADD COLUMN about text[] NOT NULL DEFAULT '{}',
    ADD COLUMN steps text[] NOT NULL DEFAULT '{}',
    ADD COLUMN cost text,
    ADD COLUMN delay text,
    ADD COLUMN pitfalls text[] NOT NULL DEFAULT '{}',
    ADD COLUMN appeals jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN doubt text;
COMMENT ON COLUMN procedure.about IS 'What people say when they need it: who they are, what happened, what it is for.';
COMMENT ON COLUMN procedure.steps IS 'What to do, in order.';
COMMENT ON COLUMN procedure.cost IS 'What it costs the person. Null: not known.';
COMMENT ON COLUMN procedure.delay IS 'How long it usually takes. Null: not known.';
COMMENT ON COLUMN procedure.pitfalls IS 'What people stumble over, one line each.';
COMMENT ON COLUMN procedure.ladder IS 'The amicable track, step by step, in codes.';
COMMENT ON COLUMN procedure.appeals IS 'The appeal track, stage by stage: against, body, within, from, franc, compulsory, effect, law, verified.';
COMMENT ON COLUMN procedure.doubt IS 'What remains to be verified. Null: nothing.';
