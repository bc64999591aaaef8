//! The tables as diesel sees them; a contract test holds them equal to what the migrations make.

diesel::table! {
    institution (slug) {
        slug -> Text,
        label -> Text,
        name -> Text,
        website -> Nullable<Text>,
        phone -> Nullable<Text>,
        territory -> Nullable<Text>,
        former_names -> Array<Text>,
        edited_at -> Nullable<Timestamptz>,
        sources -> Jsonb,
    }
}

diesel::table! {
    procedure (slug) {
        slug -> Text,
        procedure_group -> Text,
        label -> Text,
        synonyms -> Array<Text>,
        institution -> Text,
        official_url -> Nullable<Text>,
        france_services -> Text,
        territory -> Text,
        mandate -> Text,
        documents -> Array<Text>,
        urgency -> Int2,
        hotline -> Nullable<Text>,
        first_targets -> Array<Text>,
        ladder -> Array<Text>,
        sheet -> Nullable<Text>,
        safety -> Bool,
        sensitive -> Bool,
        basis -> Text,
        note -> Nullable<Text>,
        sources -> Jsonb,
        checked_on -> Nullable<Date>,
        edited_at -> Nullable<Timestamptz>,
        about -> Array<Text>,
        steps -> Array<Text>,
        cost -> Nullable<Text>,
        delay -> Nullable<Text>,
        pitfalls -> Array<Text>,
        appeals -> Jsonb,
        doubt -> Nullable<Text>,
    }
}

diesel::table! {
    area (kind, code) {
        kind -> Text,
        code -> Text,
        name -> Text,
    }
}

diesel::table! {
    commune (code, kind) {
        code -> Text,
        kind -> Text,
        name -> Text,
        resolves_to -> Text,
        postal_codes -> Array<Text>,
        population -> Nullable<Int4>,
        epci -> Nullable<Text>,
        departement -> Text,
        region -> Nullable<Text>,
        lat -> Nullable<Double>,
        lon -> Nullable<Double>,
        time_zone -> Text,
    }
}

diesel::table! {
    structure (id) {
        id -> Uuid,
        source -> Text,
        source_id -> Text,
        kind -> Text,
        institution -> Nullable<Text>,
        name -> Text,
        address -> Nullable<Text>,
        postal_code -> Nullable<Text>,
        commune -> Text,
        lat -> Nullable<Double>,
        lon -> Nullable<Double>,
        phone -> Nullable<Text>,
        email -> Nullable<Text>,
        website -> Nullable<Text>,
        opening_hours -> Nullable<Text>,
        hours_checked_on -> Nullable<Date>,
        access -> Text,
        itinerant -> Bool,
        at_home -> Nullable<Bool>,
        languages -> Array<Text>,
        wheelchair -> Nullable<Bool>,
        free -> Nullable<Bool>,
        procedures -> Array<Text>,
        groups -> Array<Text>,
        not_offered -> Array<Text>,
        help_kinds -> Array<Text>,
        aidants_connect -> Nullable<Bool>,
        vouchers -> Nullable<Bool>,
        capacity -> Nullable<Text>,
        capacity_until -> Nullable<Date>,
        territory -> Array<Text>,
        note -> Nullable<Text>,
        demonstration -> Bool,
        closed_on -> Nullable<Date>,
        source_date -> Nullable<Date>,
        updated_at -> Timestamptz,
        sessions -> Jsonb,
        disputed -> Bool,
        keeper -> Nullable<Uuid>,
        closures -> Jsonb,
        edits -> Jsonb,
        taken_on -> Date,
    }
}

diesel::table! {
    fund_area (institution, code) {
        institution -> Text,
        code -> Text,
        name -> Text,
        departements -> Array<Text>,
    }
}

diesel::table! {
    directory_state (singleton) {
        singleton -> Bool,
        revision -> Int8,
    }
}

diesel::table! {
    directory_change (revision, entity, id) {
        revision -> Int8,
        entity -> Text,
        id -> Text,
    }
}

diesel::table! {
    seed_layer (name) {
        name -> Text,
        digest -> Text,
        applied_at -> Timestamptz,
    }
}

diesel::table! {
    organisation (id) {
        id -> Uuid,
        slug -> Text,
        created_at -> Timestamptz,
        name -> Nullable<Text>,
        may_refer -> Bool,
    }
}

diesel::table! {
    member (id) {
        id -> Uuid,
        organisation_id -> Uuid,
        issuer -> Text,
        subject -> Text,
        email -> Nullable<Text>,
        roles -> Array<Text>,
        institution -> Nullable<Text>,
        territory -> Array<Text>,
        created_at -> Timestamptz,
        joined_at -> Nullable<Timestamptz>,
        removed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    partner_key (id) {
        id -> Uuid,
        organisation_id -> Uuid,
        label -> Text,
        key -> Text,
        origins -> Array<Text>,
        quota_per_minute -> Int4,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        replaces -> Nullable<Uuid>,
    }
}

diesel::table! {
    issuer (id) {
        id -> Uuid,
        slug -> Text,
        label -> Text,
        url -> Text,
        audiences -> Array<Text>,
        algorithms -> Array<Text>,
        client_id -> Nullable<Text>,
        roles_claim -> Nullable<Text>,
        role_map -> Jsonb,
        organisation_claim -> Nullable<Text>,
        organisation -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    mail_link (digest) {
        digest -> Text,
        email -> Text,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    ended_session (token_id) {
        token_id -> Uuid,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    access_state (id) {
        id -> Bool,
        revision -> Int8,
    }
}

diesel::table! {
    audit_entry (id) {
        id -> Uuid,
        at -> Timestamptz,
        subject -> Text,
        organisation -> Text,
        action -> Text,
        entity -> Text,
        entity_id -> Text,
        organisation_id -> Nullable<Uuid>,
        network -> Nullable<Text>,
        request_id -> Nullable<Text>,
        before -> Nullable<Jsonb>,
        after -> Nullable<Jsonb>,
    }
}

diesel::table! {
    referral (id) {
        id -> Uuid,
        organisation_id -> Uuid,
        created_by -> Text,
        code -> Text,
        procedure -> Text,
        sensitive -> Bool,
        commune -> Nullable<Text>,
        epci -> Nullable<Text>,
        departement -> Text,
        mode -> Text,
        status -> Text,
        orientation_id -> Nullable<Uuid>,
        orientation_rank -> Nullable<Int2>,
        moment -> Nullable<Text>,
        reason -> Nullable<Text>,
        help_kinds -> Array<Text>,
        setting -> Nullable<Text>,
        repeat -> Nullable<Text>,
        constraints -> Array<Text>,
        minutes_spent -> Nullable<Int2>,
        person_ref -> Nullable<Text>,
        note -> Nullable<Text>,
        made_at_structure -> Nullable<Uuid>,
        occurred_at -> Timestamptz,
        created_at -> Timestamptz,
        follow_up_due_at -> Nullable<Timestamptz>,
        version -> Int4,
        follow_ups -> Int2,
        closed_at -> Nullable<Timestamptz>,
        wiped -> Bool,
        anonymised -> Bool,
    }
}

diesel::table! {
    handoff (id) {
        id -> Uuid,
        referral_id -> Uuid,
        organisation_id -> Uuid,
        position -> Int2,
        previous_id -> Nullable<Uuid>,
        target_type -> Text,
        target_id -> Text,
        target_kind -> Text,
        mode -> Text,
        status -> Text,
        expected_on -> Nullable<Date>,
        created_at -> Timestamptz,
        changed_at -> Timestamptz,
        reminders -> Int2,
        acknowledged_after_h -> Nullable<Double>,
        accepted_after_h -> Nullable<Double>,
    }
}

diesel::table! {
    handoff_event (id) {
        id -> Uuid,
        handoff_id -> Uuid,
        referral_id -> Uuid,
        organisation_id -> Uuid,
        at -> Timestamptz,
        actor -> Text,
        from_status -> Nullable<Text>,
        to_status -> Text,
        reason -> Nullable<Text>,
        note -> Nullable<Text>,
        position -> Int2,
        relayed -> Bool,
    }
}

diesel::table! {
    outcome (id) {
        id -> Uuid,
        referral_id -> Uuid,
        organisation_id -> Uuid,
        result -> Text,
        reported_by -> Text,
        reason -> Nullable<Text>,
        note -> Nullable<Text>,
        reported_at -> Timestamptz,
        position -> Int2,
    }
}

diesel::table! {
    referral_link (token_digest) {
        token_digest -> Text,
        referral_id -> Uuid,
        handoff_id -> Uuid,
        organisation_id -> Uuid,
        expires_at -> Timestamptz,
        renewal_asked -> Bool,
    }
}

diesel::table! {
    refusal_count (month, organisation_id, procedure, departement) {
        month -> Date,
        organisation_id -> Uuid,
        procedure -> Text,
        departement -> Text,
        refusals -> Int8,
    }
}

diesel::table! {
    correction (id) {
        id -> Uuid,
        structure_id -> Uuid,
        reason -> Text,
        reports -> Int4,
        opened_on -> Date,
        settled_on -> Nullable<Date>,
        settled_by -> Nullable<Text>,
        verdict -> Nullable<Text>,
    }
}

diesel::table! {
    outbox (id) {
        id -> Uuid,
        organisation_id -> Uuid,
        referral_id -> Uuid,
        topic -> Text,
        leased_until -> Nullable<Timestamptz>,
        attempts -> Int2,
    }
}

diesel::table! {
    idempotency (organisation_id, subject, key) {
        organisation_id -> Uuid,
        subject -> Text,
        key -> Text,
        request_digest -> Text,
        referral_id -> Uuid,
        kept_until -> Date,
    }
}

diesel::table! {
    question_count (day, procedure, place_kind, place, coverage) {
        day -> Date,
        procedure -> Text,
        place_kind -> Text,
        place -> Text,
        coverage -> Text,
        questions -> Int8,
    }
}

diesel::table! {
    record_version (entity, record_id, version) {
        entity -> Text,
        record_id -> Text,
        version -> Int4,
        made_at -> Timestamptz,
        origin -> Text,
        made_by -> Nullable<Text>,
        keeper -> Nullable<Uuid>,
        state -> Jsonb,
    }
}

diesel::table! {
    referent (id) {
        id -> Uuid,
        institution -> Text,
        keeper -> Uuid,
        function -> Text,
        territory -> Array<Text>,
        procedures -> Array<Text>,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        platform_label -> Nullable<Text>,
        platform_url -> Nullable<Text>,
        hours -> Nullable<Text>,
        reasons -> Array<Text>,
        visibility -> Text,
        verify_by -> Date,
        prerequisites -> Array<Text>,
        weekly_cap -> Nullable<Int2>,
        absences -> Array<Text>,
        substitute -> Nullable<Uuid>,
        suspended -> Bool,
        note -> Nullable<Text>,
        version -> Int4,
        updated_on -> Date,
        dates -> Jsonb,
        week -> Date,
        shown -> Int4,
        reminded -> Bool,
    }
}

diesel::table! {
    contact_state (id) {
        id -> Bool,
        revision -> Int8,
    }
}

diesel::table! {
    referent_showing (referent_id, week, departement, procedure) {
        referent_id -> Uuid,
        week -> Date,
        departement -> Text,
        procedure -> Nullable<Text>,
        shown -> Int8,
    }
}

diesel::table! {
    showing_allowance (day, person) {
        day -> Date,
        person -> Text,
        used -> Int4,
    }
}

diesel::table! {
    charter_acceptance (person, version) {
        person -> Text,
        version -> Int2,
        accepted_on -> Date,
    }
}

diesel::table! {
    misuse_report (id) {
        id -> Uuid,
        referent_id -> Uuid,
        keeper -> Uuid,
        reason -> Text,
        note -> Nullable<Text>,
        reported_on -> Date,
        settled_on -> Nullable<Date>,
    }
}

diesel::table! {
    network (id) {
        id -> Uuid,
        slug -> Text,
        label -> Text,
        territory -> Array<Text>,
        theme -> Nullable<Text>,
        keeper -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    network_member (network_id, organisation_id, joined_at) {
        network_id -> Uuid,
        organisation_id -> Uuid,
        joined_at -> Timestamptz,
        left_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    structure_claim (id) {
        id -> Uuid,
        structure_id -> Uuid,
        organisation_id -> Uuid,
        made_at -> Timestamptz,
        checked_by -> Text,
        token_digest -> Nullable<Text>,
        expires_at -> Nullable<Timestamptz>,
        status -> Text,
        settled_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    practice_note (id) {
        id -> Uuid,
        network_id -> Uuid,
        procedure -> Text,
        markdown -> Nullable<Text>,
        version -> Int4,
        updated_at -> Timestamptz,
        updated_by -> Text,
    }
}

diesel::table! {
    suggestion (id) {
        id -> Uuid,
        structure_id -> Uuid,
        organisation_id -> Uuid,
        made_at -> Timestamptz,
        changes -> Jsonb,
        note -> Nullable<Text>,
        verdict -> Nullable<Text>,
        settled_at -> Nullable<Timestamptz>,
    }
}

diesel::joinable!(handoff -> referral (referral_id));
diesel::joinable!(outcome -> referral (referral_id));
diesel::joinable!(referral -> organisation (organisation_id));
diesel::joinable!(member -> organisation (organisation_id));
diesel::joinable!(network -> organisation (keeper));
diesel::joinable!(network_member -> organisation (organisation_id));
diesel::joinable!(structure_claim -> organisation (organisation_id));
diesel::joinable!(suggestion -> organisation (organisation_id));
diesel::joinable!(partner_key -> organisation (organisation_id));

diesel::allow_tables_to_appear_in_same_query!(
    access_state,
    area,
    audit_entry,
    charter_acceptance,
    commune,
    contact_state,
    correction,
    directory_change,
    directory_state,
    ended_session,
    fund_area,
    handoff,
    handoff_event,
    idempotency,
    institution,
    issuer,
    mail_link,
    member,
    misuse_report,
    network,
    network_member,
    organisation,
    outbox,
    outcome,
    partner_key,
    practice_note,
    procedure,
    question_count,
    record_version,
    referent,
    referent_showing,
    referral,
    referral_link,
    refusal_count,
    seed_layer,
    showing_allowance,
    structure,
    structure_claim,
    suggestion
);
