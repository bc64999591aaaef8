ALTER TABLE structure DROP COLUMN disputed;
DROP POLICY linked ON referral;
DROP TABLE correction, refusal_count, referral_link;
DROP POLICY bearer ON referral;
DROP INDEX referral_by_digest;
DROP FUNCTION digest_of(text);
CREATE POLICY bearer ON referral FOR SELECT
    USING (code = scope_bearer());
COMMENT ON FUNCTION scope_bearer() IS 'The code on paper that a transaction is for.';
REVOKE UPDATE (note) ON handoff_event, outcome FROM aiguilleur_app;
ALTER TABLE handoff_event DROP COLUMN position, DROP COLUMN relayed;
CREATE INDEX handoff_event_by_referral ON handoff_event (referral_id);
DROP INDEX handoff_waiting;
ALTER TABLE handoff DROP COLUMN changed_at, DROP COLUMN reminders, DROP COLUMN acknowledged_after_h, DROP COLUMN accepted_after_h;
DROP INDEX referral_by_occurrence;
ALTER TABLE referral DROP COLUMN follow_ups, DROP COLUMN closed_at, DROP COLUMN wiped, DROP COLUMN anonymised;
