-- Referrals followed to their outcome: by code on paper, by a target's link, by the clock.

-- What the clock and retention go by.
ALTER TABLE referral
    ADD COLUMN follow_ups smallint NOT NULL DEFAULT 0,
    ADD COLUMN closed_at timestamptz,
    ADD COLUMN wiped boolean NOT NULL DEFAULT false,
    ADD COLUMN anonymised boolean NOT NULL DEFAULT false,
    ADD CHECK (NOT sensitive OR closed_at IS NULL OR closed_at = date_trunc('month', closed_at, 'UTC'));
COMMENT ON COLUMN referral.follow_ups IS 'How often it was asked what became of the need.';
COMMENT ON COLUMN referral.closed_at IS 'When no attempt was open any more, or the outcome was told; the month''s first instant when sensitive.';
COMMENT ON COLUMN referral.wiped IS 'Its free texts and reference were wiped.';
COMMENT ON COLUMN referral.anonymised IS 'Its ids, instants, commune and agent were replaced.';
CREATE INDEX referral_to_follow ON referral (follow_up_due_at) WHERE follow_up_due_at IS NOT NULL;
CREATE INDEX referral_by_occurrence ON referral (occurred_at);

ALTER TABLE handoff
    ADD COLUMN changed_at timestamptz,
    ADD COLUMN reminders smallint NOT NULL DEFAULT 0,
    ADD COLUMN acknowledged_after_h double precision,
    ADD COLUMN accepted_after_h double precision;
UPDATE handoff SET changed_at = created_at;
ALTER TABLE handoff ALTER COLUMN changed_at SET NOT NULL;
COMMENT ON COLUMN handoff.changed_at IS 'When its state last changed; the month''s first instant when sensitive.';
COMMENT ON COLUMN handoff.reminders IS 'Reminders that have come due.';
COMMENT ON COLUMN handoff.acknowledged_after_h IS 'Working hours from its birth to the arrival; null when sensitive.';
COMMENT ON COLUMN handoff.accepted_after_h IS 'Working hours from its birth to its acceptance; null when sensitive.';
CREATE INDEX handoff_waiting ON handoff (changed_at) WHERE status IN ('sent', 'acknowledged', 'under_review', 'waitlisted');

ALTER TABLE handoff_event
    ADD COLUMN position smallint,
    ADD COLUMN relayed boolean NOT NULL DEFAULT false;
UPDATE handoff_event SET position = numbered.position
    FROM (SELECT id, row_number() OVER (PARTITION BY referral_id ORDER BY at, id) AS position FROM handoff_event) AS numbered
    WHERE numbered.id = handoff_event.id;
ALTER TABLE handoff_event ALTER COLUMN position SET NOT NULL, ADD UNIQUE (referral_id, position);
DROP INDEX handoff_event_by_referral;
COMMENT ON COLUMN handoff_event.position IS '1 for the first change of its referral, and so on: instants don''t tell the order of sensitive ones.';
COMMENT ON COLUMN handoff_event.relayed IS 'The mediator wrote down what the actor told.';

-- Codes are looked for by their digest, and so is whoever holds one: how long a comparison takes tells nothing of a code.
CREATE FUNCTION digest_of(code text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT encode(sha256(code::bytea), 'hex') $$;
COMMENT ON FUNCTION digest_of(text) IS 'SHA-256 of a code, hexadecimal.';
CREATE INDEX referral_by_digest ON referral (digest_of(code));
DROP POLICY bearer ON referral;
CREATE POLICY bearer ON referral FOR SELECT
    USING (digest_of(code) = scope_bearer());
COMMENT ON FUNCTION scope_bearer() IS 'Digest of the code on paper, or of the link, that a transaction is for.';

CREATE TABLE referral_link (
    token_digest text PRIMARY KEY,
    referral_id uuid NOT NULL REFERENCES referral (id) ON DELETE CASCADE,
    handoff_id uuid NOT NULL REFERENCES handoff (id) ON DELETE CASCADE,
    organisation_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    renewal_asked boolean NOT NULL DEFAULT false
);
CREATE INDEX referral_link_by_referral ON referral_link (referral_id);
COMMENT ON TABLE referral_link IS 'Secret links by which a target answers without an account.';
COMMENT ON COLUMN referral_link.token_digest IS 'SHA-256 of the secret, hexadecimal; the secret itself is kept nowhere.';
COMMENT ON COLUMN referral_link.referral_id IS 'The referral it opens.';
COMMENT ON COLUMN referral_link.handoff_id IS 'The attempt that it answers for.';
COMMENT ON COLUMN referral_link.organisation_id IS 'The referral''s organisation, for row-level security.';
COMMENT ON COLUMN referral_link.expires_at IS 'Good until then; the first instant of a month when sensitive.';
COMMENT ON COLUMN referral_link.renewal_asked IS 'Its holder asked for another.';

CREATE TABLE refusal_count (
    month date NOT NULL CHECK (month = date_trunc('month', month)),
    organisation_id uuid NOT NULL REFERENCES organisation (id),
    procedure text NOT NULL REFERENCES procedure (slug),
    departement text NOT NULL,
    refusals bigint NOT NULL CHECK (refusals > 0),
    PRIMARY KEY (month, organisation_id, procedure, departement)
);
COMMENT ON TABLE refusal_count IS 'Referrals that people refused, added up; nothing else of them is kept.';
COMMENT ON COLUMN refusal_count.month IS 'First day of the month.';
COMMENT ON COLUMN refusal_count.organisation_id IS 'Whose agents proposed them.';
COMMENT ON COLUMN refusal_count.procedure IS 'The procedure they were for.';
COMMENT ON COLUMN refusal_count.departement IS 'Where the people live.';
COMMENT ON COLUMN refusal_count.refusals IS 'How many.';

CREATE TABLE correction (
    id uuid PRIMARY KEY,
    structure_id uuid NOT NULL REFERENCES structure (id) ON DELETE CASCADE,
    reason text NOT NULL,
    reports integer NOT NULL DEFAULT 1 CHECK (reports > 0),
    opened_on date NOT NULL,
    settled_on date,
    settled_by text,
    verdict text CHECK (verdict IN ('corrected', 'unfounded')),
    CHECK ((settled_on IS NULL) = (verdict IS NULL))
);
CREATE UNIQUE INDEX correction_open ON correction (structure_id, reason) WHERE settled_on IS NULL;
COMMENT ON TABLE correction IS 'What users found wrong in the directory, until somebody settles it. Nothing leads from it to a referral.';
COMMENT ON COLUMN correction.id IS 'UUIDv4.';
COMMENT ON COLUMN correction.structure_id IS 'The record that is said to be wrong.';
COMMENT ON COLUMN correction.reason IS 'contact_wrong, hours_wrong, moved_or_closed or procedure_not_offered.';
COMMENT ON COLUMN correction.reports IS 'How many said so.';
COMMENT ON COLUMN correction.opened_on IS 'Day of the first report.';
COMMENT ON COLUMN correction.settled_on IS 'Day it was settled; null while open.';
COMMENT ON COLUMN correction.settled_by IS 'Subject of whoever settled it.';
COMMENT ON COLUMN correction.verdict IS 'corrected or unfounded.';

ALTER TABLE structure ADD COLUMN disputed boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN structure.disputed IS 'A correction of its record is open.';

GRANT SELECT, INSERT, DELETE, UPDATE (renewal_asked) ON referral_link TO aiguilleur_app;
GRANT SELECT, INSERT, UPDATE ON refusal_count, correction TO aiguilleur_app;
-- Events and reports are never changed, but that retention wipes their free texts; they go with their referral.
GRANT UPDATE (note) ON handoff_event, outcome TO aiguilleur_app;

ALTER TABLE referral_link ENABLE ROW LEVEL SECURITY;
ALTER TABLE refusal_count ENABLE ROW LEVEL SECURITY;
CREATE POLICY scoped ON referral_link
    USING (organisation_id = scope_organisation() OR scope_is_system());
CREATE POLICY bearer ON referral_link FOR SELECT
    USING (token_digest = scope_bearer());
-- The holder of a link sees what a bearer of the code does.
CREATE POLICY linked ON referral FOR SELECT
    USING (scope_bearer() IS NOT NULL AND id IN (SELECT referral_id FROM referral_link WHERE token_digest = scope_bearer()));
CREATE POLICY scoped ON refusal_count
    USING (organisation_id = scope_organisation() OR scope_is_system());
