-- The directory: what every node loads into memory and answers from.

CREATE TABLE institution (
    slug text PRIMARY KEY,
    label text NOT NULL,
    name text NOT NULL,
    website text,
    phone text,
    territory text,
    former_names text[] NOT NULL DEFAULT '{}',
    edited_at timestamptz
);
COMMENT ON TABLE institution IS 'A body in charge of procedures, with its public channels.';
COMMENT ON COLUMN institution.slug IS 'Identifier in addresses: caf, cpam.';
COMMENT ON COLUMN institution.label IS 'The short usual name: CAF.';
COMMENT ON COLUMN institution.name IS 'The long name.';
COMMENT ON COLUMN institution.website IS 'Public website.';
COMMENT ON COLUMN institution.phone IS 'Public number, digits as dialled.';
COMMENT ON COLUMN institution.territory IS 'The area one of its counters usually serves: commune, departement, caisse…';
COMMENT ON COLUMN institution.former_names IS 'Names it bore before, which people still say.';
COMMENT ON COLUMN institution.edited_at IS 'When somebody edited it here; a seed no longer touches it. Null: never.';

CREATE TABLE procedure (
    slug text PRIMARY KEY,
    procedure_group text NOT NULL,
    label text NOT NULL,
    synonyms text[] NOT NULL,
    institution text NOT NULL REFERENCES institution (slug),
    official_url text,
    france_services text NOT NULL,
    territory text NOT NULL,
    mandate text NOT NULL,
    documents text[] NOT NULL,
    urgency smallint NOT NULL CHECK (urgency BETWEEN 1 AND 4),
    hotline text,
    first_targets text[] NOT NULL,
    ladder text[] NOT NULL,
    sheet text,
    safety boolean NOT NULL,
    sensitive boolean NOT NULL,
    appeal text,
    basis text NOT NULL,
    doubtful boolean NOT NULL,
    note text,
    sources jsonb NOT NULL DEFAULT '[]',
    checked_on date,
    edited_at timestamptz
);
COMMENT ON TABLE procedure IS 'A démarche as a person names it, with the rule that says who is apt.';
COMMENT ON COLUMN procedure.slug IS 'Identifier in addresses: carte-grise-changement-titulaire.';
COMMENT ON COLUMN procedure.procedure_group IS 'Its group in the catalogue: titres, caf, logement…';
COMMENT ON COLUMN procedure.label IS 'Its name, as a sentence.';
COMMENT ON COLUMN procedure.synonyms IS 'What people call it.';
COMMENT ON COLUMN procedure.institution IS 'The institution in charge.';
COMMENT ON COLUMN procedure.official_url IS 'Where it is done online.';
COMMENT ON COLUMN procedure.france_services IS 'Whether France services help with it: yes, partial, no.';
COMMENT ON COLUMN procedure.territory IS 'The territory that binds: national, commune, departement, caisse…';
COMMENT ON COLUMN procedure.mandate IS 'Whether somebody may act for the person: no, if_acting_for, required, personal_presence.';
COMMENT ON COLUMN procedure.documents IS 'The papers to bring.';
COMMENT ON COLUMN procedure.urgency IS '1 to 4; 4: danger, or hours count.';
COMMENT ON COLUMN procedure.hotline IS 'A telephone line for it, with what is said of it in brackets.';
COMMENT ON COLUMN procedure.first_targets IS 'The apt kinds of target, best first, in the words of the target table.';
COMMENT ON COLUMN procedure.ladder IS 'What to do when blocked, step by step, in codes.';
COMMENT ON COLUMN procedure.sheet IS 'Identifier of the official sheet on service-public.';
COMMENT ON COLUMN procedure.safety IS 'Danger: the hotline stands first.';
COMMENT ON COLUMN procedure.sensitive IS 'Handled discreetly: département and month only.';
COMMENT ON COLUMN procedure.appeal IS 'Body; deadline; compulsory or not; effect; law; how known. Several separated by a bar.';
COMMENT ON COLUMN procedure.basis IS 'How the row is known: read, part, memory.';
COMMENT ON COLUMN procedure.doubtful IS 'Something in it is to be verified.';
COMMENT ON COLUMN procedure.note IS 'What a reviewer wrote of it.';
COMMENT ON COLUMN procedure.sources IS 'Where its facts were read: field, title, url, date.';
COMMENT ON COLUMN procedure.checked_on IS 'The month of the last check, as its first day.';
COMMENT ON COLUMN procedure.edited_at IS 'When somebody edited it here; a seed no longer touches it. Null: never.';

CREATE TABLE area (
    kind text NOT NULL CHECK (kind IN ('epci', 'departement', 'region')),
    code text NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (kind, code)
);
COMMENT ON TABLE area IS 'The names of intercommunalities, départements and régions.';
COMMENT ON COLUMN area.kind IS 'epci, departement or region.';
COMMENT ON COLUMN area.code IS 'SIREN of an EPCI; INSEE code otherwise.';
COMMENT ON COLUMN area.name IS 'Its name.';

CREATE TABLE commune (
    code text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    resolves_to text NOT NULL,
    postal_codes text[] NOT NULL,
    population integer,
    epci text,
    departement text NOT NULL,
    region text,
    lat double precision,
    lon double precision,
    time_zone text NOT NULL,
    PRIMARY KEY (code, kind)
);
COMMENT ON TABLE commune IS 'Communes of today, and the codes that lead to one: arrondissements, delegated, associated and former communes.';
COMMENT ON COLUMN commune.code IS 'INSEE code.';
COMMENT ON COLUMN commune.kind IS 'commune, arrondissement, delegated, associated or former.';
COMMENT ON COLUMN commune.name IS 'Its name, with its article.';
COMMENT ON COLUMN commune.resolves_to IS 'The commune of today; itself for one of today.';
COMMENT ON COLUMN commune.postal_codes IS 'Its postal codes.';
COMMENT ON COLUMN commune.population IS 'Inhabitants.';
COMMENT ON COLUMN commune.epci IS 'SIREN of its intercommunality.';
COMMENT ON COLUMN commune.departement IS 'Its département, or overseas territory.';
COMMENT ON COLUMN commune.region IS 'INSEE code of its région.';
COMMENT ON COLUMN commune.lat IS 'Latitude of its centre, degrees WGS 84.';
COMMENT ON COLUMN commune.lon IS 'Longitude of its centre, degrees WGS 84.';
COMMENT ON COLUMN commune.time_zone IS 'IANA time zone.';

CREATE TABLE structure (
    id uuid PRIMARY KEY,
    source text NOT NULL,
    source_id text NOT NULL,
    kind text NOT NULL,
    institution text REFERENCES institution (slug),
    name text NOT NULL,
    address text,
    postal_code text,
    commune text NOT NULL,
    lat double precision CHECK (lat BETWEEN -90 AND 90),
    lon double precision CHECK (lon BETWEEN -180 AND 180),
    phone text,
    email text,
    website text,
    opening_hours text,
    hours_checked_on date,
    access text NOT NULL,
    itinerant boolean NOT NULL,
    at_home boolean,
    languages text[] NOT NULL,
    wheelchair boolean,
    free boolean,
    procedures text[] NOT NULL,
    groups text[] NOT NULL,
    not_offered text[] NOT NULL,
    help_kinds text[] NOT NULL,
    aidants_connect boolean,
    vouchers boolean,
    capacity text,
    capacity_until date,
    territory text[] NOT NULL,
    note text,
    demonstration boolean NOT NULL,
    closed_on date,
    source_date date,
    updated_at timestamptz NOT NULL,
    edited_at timestamptz,
    UNIQUE (source, source_id),
    CHECK ((lat IS NULL) = (lon IS NULL)),
    CHECK ((kind = 'guichet') OR (institution IS NULL))
);
COMMENT ON TABLE structure IS 'A place or body that receives people. What is not known is null or empty, never guessed.';
COMMENT ON COLUMN structure.id IS 'UUIDv5 of source and source id when it comes from a source, computed when first seen and kept.';
COMMENT ON COLUMN structure.source IS 'Where the record comes from: france-services, town-halls, demonstration…';
COMMENT ON COLUMN structure.source_id IS 'Its identifier there.';
COMMENT ON COLUMN structure.kind IS 'What kind of place it is: france-services, ccas-cias…';
COMMENT ON COLUMN structure.institution IS 'The institution whose desk it is, when kind = guichet.';
COMMENT ON COLUMN structure.name IS 'Its name.';
COMMENT ON COLUMN structure.address IS 'Street address.';
COMMENT ON COLUMN structure.postal_code IS 'Postal code.';
COMMENT ON COLUMN structure.commune IS 'INSEE code of the commune of today it stands in.';
COMMENT ON COLUMN structure.lat IS 'Latitude, degrees WGS 84.';
COMMENT ON COLUMN structure.lon IS 'Longitude, degrees WGS 84.';
COMMENT ON COLUMN structure.phone IS 'Public telephone, E.164 or the digits as dialled.';
COMMENT ON COLUMN structure.email IS 'Public e-mail address.';
COMMENT ON COLUMN structure.website IS 'Public website.';
COMMENT ON COLUMN structure.opening_hours IS 'OSM opening_hours syntax, in the local time of the commune.';
COMMENT ON COLUMN structure.hours_checked_on IS 'The day on which the hours were last known to be right. Null: never checked.';
COMMENT ON COLUMN structure.access IS 'drop_in, appointment (only) or unknown.';
COMMENT ON COLUMN structure.itinerant IS 'It moves, or several sites stand behind this address.';
COMMENT ON COLUMN structure.at_home IS 'It comes to people''s homes. Null: not known.';
COMMENT ON COLUMN structure.languages IS 'ISO 639-1 codes of the languages spoken. Empty: not known.';
COMMENT ON COLUMN structure.wheelchair IS 'Accessible with a wheelchair. Null: not known.';
COMMENT ON COLUMN structure.free IS 'Free of charge. Null: not known.';
COMMENT ON COLUMN structure.procedures IS 'Procedures that it declares, by slug.';
COMMENT ON COLUMN structure.groups IS 'Groups of procedures that it declares.';
COMMENT ON COLUMN structure.not_offered IS 'Procedures that it says it does not do.';
COMMENT ON COLUMN structure.help_kinds IS 'The help it gives: account, navigation, document, form, explain, unblock, contact. Empty: not known.';
COMMENT ON COLUMN structure.aidants_connect IS 'Aidants Connect habilitation. Null: not known.';
COMMENT ON COLUMN structure.vouchers IS 'Takes digital vouchers (pass numérique). Null: not known.';
COMMENT ON COLUMN structure.capacity IS 'The room it declares: open, few_places, waiting_list, full.';
COMMENT ON COLUMN structure.capacity_until IS 'The last day on which the declared capacity counts.';
COMMENT ON COLUMN structure.territory IS 'The area it serves: commune, EPCI and département codes, R53 for a région. Empty: the default of its kind.';
COMMENT ON COLUMN structure.note IS 'What the source says of it besides, in its own words.';
COMMENT ON COLUMN structure.demonstration IS 'Invented, for demonstration.';
COMMENT ON COLUMN structure.closed_on IS 'Closed for good since that day; the record stays so that old links say so.';
COMMENT ON COLUMN structure.source_date IS 'The day of the source in which it was last seen. Null: the source bears no date.';
COMMENT ON COLUMN structure.updated_at IS 'Last change of this record here.';
COMMENT ON COLUMN structure.edited_at IS 'When somebody edited it here; a seed or an import no longer overwrites it. Null: never.';

CREATE TABLE directory_state (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    revision bigint NOT NULL
);
COMMENT ON TABLE directory_state IS 'One row: the revision of the directory. Raising it is the last statement of every change, so that revisions commit in order.';
COMMENT ON COLUMN directory_state.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN directory_state.revision IS 'Raised by one with every committed change.';
INSERT INTO directory_state (revision) VALUES (0);

CREATE TABLE directory_change (
    revision bigint NOT NULL,
    entity text NOT NULL CHECK (entity IN ('structure', 'reference')),
    id text NOT NULL,
    PRIMARY KEY (revision, entity, id)
);
COMMENT ON TABLE directory_change IS 'What each revision changed; nodes load what is newer than theirs.';
COMMENT ON COLUMN directory_change.revision IS 'The revision that changed it.';
COMMENT ON COLUMN directory_change.entity IS 'structure: one record; reference: communes or catalogue, which nodes load whole.';
COMMENT ON COLUMN directory_change.id IS 'Identifier of the record, or the name of the reference layer.';

CREATE TABLE seed_layer (
    name text PRIMARY KEY,
    digest text NOT NULL,
    applied_at timestamptz NOT NULL
);
COMMENT ON TABLE seed_layer IS 'The seed layers this installation has, so that seeding again does nothing.';
COMMENT ON COLUMN seed_layer.name IS 'catalogue, communes, town-halls or demonstration.';
COMMENT ON COLUMN seed_layer.digest IS 'SHA-256 of the files it came from, hexadecimal.';
COMMENT ON COLUMN seed_layer.applied_at IS 'When it was last applied.';

GRANT SELECT, INSERT, UPDATE ON institution, procedure, area, commune, structure, seed_layer TO aiguilleur_app;
GRANT DELETE ON area, commune TO aiguilleur_app;
GRANT SELECT, UPDATE ON directory_state TO aiguilleur_app;
GRANT SELECT, INSERT ON directory_change TO aiguilleur_app;
