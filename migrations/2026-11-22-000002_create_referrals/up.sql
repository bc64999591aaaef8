-- Referrals: the need, its attempts, what became of it. A forgotten check shows nothing: row-level security stands behind every query.
-- A transaction says who it is for with set_config('aiguilleur.organisation' | 'aiguilleur.bearer' | 'aiguilleur.system', …, true).

CREATE TABLE organisation (
    id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE organisation IS 'An organisation whose agents refer people.';
COMMENT ON COLUMN organisation.id IS 'UUIDv7.';
COMMENT ON COLUMN organisation.slug IS 'Its name in tokens.';
COMMENT ON COLUMN organisation.created_at IS 'Its first write here.';

CREATE TABLE referral (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisation (id),
    created_by text NOT NULL,
    code text NOT NULL UNIQUE,
    procedure text NOT NULL REFERENCES procedure (slug),
    sensitive boolean NOT NULL,
    commune text,
    epci text,
    departement text NOT NULL,
    mode text NOT NULL,
    status text NOT NULL,
    orientation_id uuid,
    orientation_rank smallint,
    moment text,
    reason text,
    help_kinds text[] NOT NULL,
    setting text,
    repeat text,
    constraints text[] NOT NULL,
    minutes_spent smallint,
    person_ref text,
    note text,
    made_at_structure uuid,
    occurred_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    follow_up_due_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    CHECK (NOT sensitive OR (commune IS NULL AND epci IS NULL AND orientation_id IS NULL AND follow_up_due_at IS NULL
        AND occurred_at = date_trunc('month', occurred_at, 'UTC') AND created_at = date_trunc('month', created_at, 'UTC')))
);
CREATE INDEX referral_by_organisation ON referral (organisation_id, created_at DESC, id DESC);
COMMENT ON TABLE referral IS 'A person was sent somewhere for a procedure. Nothing here says who the person is.';
COMMENT ON COLUMN referral.id IS 'UUIDv4: a v7 would keep the instant that privacy deletes.';
COMMENT ON COLUMN referral.organisation_id IS 'Whose referral it is.';
COMMENT ON COLUMN referral.created_by IS 'Subject of the token that recorded it.';
COMMENT ON COLUMN referral.code IS 'Ten Crockford characters, the last a check: the baton on the person''s slip.';
COMMENT ON COLUMN referral.procedure IS 'The procedure it was for.';
COMMENT ON COLUMN referral.sensitive IS 'The procedure is sensitive: département and month only are kept.';
COMMENT ON COLUMN referral.commune IS 'INSEE code of the residence; null when sensitive.';
COMMENT ON COLUMN referral.epci IS 'SIREN of its intercommunality; null when sensitive.';
COMMENT ON COLUMN referral.departement IS 'Its département.';
COMMENT ON COLUMN referral.mode IS 'information, warm or unblock.';
COMMENT ON COLUMN referral.status IS 'That of the newest open handoff, else of the newest.';
COMMENT ON COLUMN referral.orientation_id IS 'Correlation with the answer it followed; null when sensitive.';
COMMENT ON COLUMN referral.orientation_rank IS 'The rank of the option chosen.';
COMMENT ON COLUMN referral.moment IS 'reception or during_mediation.';
COMMENT ON COLUMN referral.reason IS 'Why the person was redirected.';
COMMENT ON COLUMN referral.help_kinds IS 'The help needed.';
COMMENT ON COLUMN referral.setting IS 'individual or collective.';
COMMENT ON COLUMN referral.repeat IS 'Whether the person had come before: none, same, other.';
COMMENT ON COLUMN referral.constraints IS 'What stood in the way.';
COMMENT ON COLUMN referral.minutes_spent IS 'Minutes the mediator spent.';
COMMENT ON COLUMN referral.person_ref IS 'Opaque reference of the caller''s own tool.';
COMMENT ON COLUMN referral.note IS 'Free text, checked to carry no identifier.';
COMMENT ON COLUMN referral.made_at_structure IS 'The structure where the mediator works.';
COMMENT ON COLUMN referral.occurred_at IS 'When the person was sent; the month''s first instant when sensitive.';
COMMENT ON COLUMN referral.created_at IS 'When it was recorded; the month''s first instant when sensitive.';
COMMENT ON COLUMN referral.follow_up_due_at IS 'When to ask what became of it; null when sensitive.';
COMMENT ON COLUMN referral.version IS 'Raised with every change of state; its ETag.';

CREATE TABLE handoff (
    id uuid PRIMARY KEY,
    referral_id uuid NOT NULL REFERENCES referral (id) ON DELETE CASCADE,
    organisation_id uuid NOT NULL,
    position smallint NOT NULL,
    previous_id uuid REFERENCES handoff (id),
    target_type text NOT NULL,
    target_id text NOT NULL,
    target_kind text NOT NULL,
    mode text NOT NULL,
    status text NOT NULL,
    expected_on date,
    created_at timestamptz NOT NULL,
    UNIQUE (referral_id, position)
);
COMMENT ON TABLE handoff IS 'One attempt of a referral towards one target; redirecting adds one.';
COMMENT ON COLUMN handoff.id IS 'UUIDv4.';
COMMENT ON COLUMN handoff.referral_id IS 'The referral it belongs to.';
COMMENT ON COLUMN handoff.organisation_id IS 'The referral''s organisation, for row-level security.';
COMMENT ON COLUMN handoff.position IS '1 for the first attempt, and so on.';
COMMENT ON COLUMN handoff.previous_id IS 'The handoff it redirects.';
COMMENT ON COLUMN handoff.target_type IS 'structure, institution or hotline.';
COMMENT ON COLUMN handoff.target_id IS 'Id of the structure, slug of the institution, digits of the hotline.';
COMMENT ON COLUMN handoff.target_kind IS 'For the figures: a structure''s kind, institution or hotline.';
COMMENT ON COLUMN handoff.mode IS 'information, warm or unblock.';
COMMENT ON COLUMN handoff.status IS 'Its state in the life of a referral.';
COMMENT ON COLUMN handoff.expected_on IS 'The date a waiting list announced.';
COMMENT ON COLUMN handoff.created_at IS 'When it was made; the month''s first instant when sensitive.';

CREATE TABLE handoff_event (
    id uuid PRIMARY KEY,
    handoff_id uuid NOT NULL REFERENCES handoff (id) ON DELETE CASCADE,
    referral_id uuid NOT NULL REFERENCES referral (id) ON DELETE CASCADE,
    organisation_id uuid NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    from_status text,
    to_status text NOT NULL,
    reason text,
    note text
);
CREATE INDEX handoff_event_by_referral ON handoff_event (referral_id);
COMMENT ON TABLE handoff_event IS 'Append-only: every change of a handoff''s state.';
COMMENT ON COLUMN handoff_event.id IS 'UUIDv4.';
COMMENT ON COLUMN handoff_event.handoff_id IS 'The handoff that changed.';
COMMENT ON COLUMN handoff_event.referral_id IS 'Its referral.';
COMMENT ON COLUMN handoff_event.organisation_id IS 'The referral''s organisation, for row-level security.';
COMMENT ON COLUMN handoff_event.at IS 'When; the month''s first instant when sensitive.';
COMMENT ON COLUMN handoff_event.actor IS 'mediator, target, agent, person, clock or system.';
COMMENT ON COLUMN handoff_event.from_status IS 'The state before; null at birth.';
COMMENT ON COLUMN handoff_event.to_status IS 'The state after.';
COMMENT ON COLUMN handoff_event.reason IS 'Why.';
COMMENT ON COLUMN handoff_event.note IS 'Free text, checked to carry no identifier.';

CREATE TABLE outcome (
    id uuid PRIMARY KEY,
    referral_id uuid NOT NULL REFERENCES referral (id) ON DELETE CASCADE,
    organisation_id uuid NOT NULL,
    result text NOT NULL,
    reported_by text NOT NULL,
    reason text,
    note text,
    reported_at timestamptz NOT NULL,
    position smallint NOT NULL,
    UNIQUE (referral_id, position)
);
COMMENT ON TABLE outcome IS 'Append-only: what became of the need, as told by somebody. Disagreeing reports are all kept.';
COMMENT ON COLUMN outcome.id IS 'UUIDv4.';
COMMENT ON COLUMN outcome.referral_id IS 'The referral.';
COMMENT ON COLUMN outcome.organisation_id IS 'The referral''s organisation, for row-level security.';
COMMENT ON COLUMN outcome.result IS 'resolved, partially_resolved, unresolved, not_needed or unknown.';
COMMENT ON COLUMN outcome.reported_by IS 'person, target or mediator.';
COMMENT ON COLUMN outcome.reason IS 'Why.';
COMMENT ON COLUMN outcome.note IS 'Free text, checked to carry no identifier.';
COMMENT ON COLUMN outcome.reported_at IS 'When; the month''s first instant when sensitive.';
COMMENT ON COLUMN outcome.position IS '1 for the first report on its referral, and so on: a count over all of them would date sensitive ones.';

CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    referral_id uuid NOT NULL REFERENCES referral (id) ON DELETE CASCADE,
    topic text NOT NULL,
    leased_until timestamptz,
    attempts smallint NOT NULL DEFAULT 0
);
COMMENT ON TABLE outbox IS 'What is to be told to somebody outside, written with what it tells of. Only what is notified has a row.';
COMMENT ON COLUMN outbox.id IS 'UUIDv4.';
COMMENT ON COLUMN outbox.organisation_id IS 'The referral''s organisation, for row-level security.';
COMMENT ON COLUMN outbox.referral_id IS 'What it tells of.';
COMMENT ON COLUMN outbox.topic IS 'What happened: referral.sent.';
COMMENT ON COLUMN outbox.leased_until IS 'A worker has claimed it until then.';
COMMENT ON COLUMN outbox.attempts IS 'How often it was tried.';

CREATE TABLE idempotency (
    organisation_id uuid NOT NULL,
    subject text NOT NULL,
    key text NOT NULL,
    request_digest text NOT NULL,
    referral_id uuid NOT NULL REFERENCES referral (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    kept_until date NOT NULL,
    PRIMARY KEY (organisation_id, subject, key)
);
COMMENT ON TABLE idempotency IS 'Keys of requests already answered, kept 30 days; a sensitive one one to two months, so that no day is told.';
COMMENT ON COLUMN idempotency.organisation_id IS 'Scope of the key.';
COMMENT ON COLUMN idempotency.subject IS 'Scope of the key.';
COMMENT ON COLUMN idempotency.key IS 'As the caller sent it.';
COMMENT ON COLUMN idempotency.request_digest IS 'SHA-256 of what is kept of the request, hexadecimal: of a sensitive one, neither commune nor instant.';
COMMENT ON COLUMN idempotency.referral_id IS 'What it created.';
COMMENT ON COLUMN idempotency.kept_until IS 'Forgotten after that day; the first of a month when sensitive.';

GRANT SELECT, INSERT ON organisation TO aiguilleur_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON referral, handoff, outbox TO aiguilleur_app;
GRANT SELECT, INSERT ON handoff_event, outcome TO aiguilleur_app;
GRANT SELECT, INSERT, DELETE ON idempotency TO aiguilleur_app;

-- Who a transaction is for; null outside storage::scoped, and then no row passes.
CREATE FUNCTION scope_organisation() RETURNS uuid LANGUAGE sql STABLE
    AS $$ SELECT nullif(current_setting('aiguilleur.organisation', true), '')::uuid $$;
CREATE FUNCTION scope_bearer() RETURNS text LANGUAGE sql STABLE
    AS $$ SELECT nullif(current_setting('aiguilleur.bearer', true), '') $$;
CREATE FUNCTION scope_is_system() RETURNS boolean LANGUAGE sql STABLE
    AS $$ SELECT coalesce(current_setting('aiguilleur.system', true), '') = 'on' $$;
COMMENT ON FUNCTION scope_organisation() IS 'The organisation a transaction is for.';
COMMENT ON FUNCTION scope_bearer() IS 'The code on paper that a transaction is for.';
COMMENT ON FUNCTION scope_is_system() IS 'Whether a transaction is the system''s own.';

ALTER TABLE referral ENABLE ROW LEVEL SECURITY;
ALTER TABLE handoff ENABLE ROW LEVEL SECURITY;
ALTER TABLE handoff_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE outcome ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency ENABLE ROW LEVEL SECURITY;

CREATE POLICY scoped ON referral
    USING (organisation_id = scope_organisation() OR scope_is_system());
-- Whoever holds the code on paper may read; what they may write is for the service to do in another scope.
CREATE POLICY bearer ON referral FOR SELECT
    USING (code = scope_bearer());
CREATE POLICY scoped ON handoff
    USING (organisation_id = scope_organisation() OR scope_is_system());
CREATE POLICY bearer ON handoff FOR SELECT
    USING (scope_bearer() IS NOT NULL AND referral_id IN (SELECT id FROM referral));
CREATE POLICY scoped ON handoff_event
    USING (organisation_id = scope_organisation() OR scope_is_system());
CREATE POLICY bearer ON handoff_event FOR SELECT
    USING (scope_bearer() IS NOT NULL AND referral_id IN (SELECT id FROM referral));
CREATE POLICY scoped ON outcome
    USING (organisation_id = scope_organisation() OR scope_is_system());
CREATE POLICY bearer ON outcome FOR SELECT
    USING (scope_bearer() IS NOT NULL AND referral_id IN (SELECT id FROM referral));
CREATE POLICY scoped ON outbox
    USING (organisation_id = scope_organisation() OR scope_is_system());
CREATE POLICY scoped ON idempotency
    USING (organisation_id = scope_organisation() OR scope_is_system());
