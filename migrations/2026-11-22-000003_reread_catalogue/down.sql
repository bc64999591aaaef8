ALTER TABLE procedure
    DROP COLUMN about,
    DROP COLUMN steps,
    DROP COLUMN cost,
    DROP COLUMN delay,
    DROP COLUMN pitfalls,
    DROP COLUMN appeals,
    DROP COLUMN doubt,
    ADD COLUMN appeal text,
    ADD COLUMN doubtful boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN procedure.ladder IS 'What to do when blocked, step by step, in codes.';
COMMENT ON COLUMN procedure.appeal IS 'Body; deadline; compulsory or not; effect; law; how known. Several separated by a bar.';
COMMENT ON COLUMN procedure.doubtful IS 'Something in it is to be verified.';
