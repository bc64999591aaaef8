//! `/v1/orientations`: where to redirect this person, for this procedure.

use actix_web::{HttpRequest, HttpResponse, get, post};
use aiguilleur_directory::Directory;
use aiguilleur_directory::catalogue::{Heard, Likely};
use aiguilleur_directory::door::Door;
use aiguilleur_directory::layer::Entry;
use aiguilleur_directory::orient::{Also, Choice, ChoiceTarget, LeftOut, Orientation};
use aiguilleur_directory::territory::Resolved;
use aiguilleur_domain::access::Role;
use aiguilleur_domain::fact::Fact;
use aiguilleur_domain::need::{Channel, Need, Precision, Regime};
use aiguilleur_domain::opening::OpeningStatus;
use aiguilleur_domain::privacy::{Identifier, find_identifier};
use aiguilleur_domain::procedure::{Hotline, Institution, Mandate, Procedure};
use aiguilleur_domain::referent::{Availability, ContactReason, Wish};
use aiguilleur_domain::referral::TargetType;
use aiguilleur_domain::structure::{Access, HelpKind, Kind as StructureKind, Session};
use aiguilleur_domain::territory::{Commune, Location};
use aiguilleur_outbound::geocoder::{self, Geocoder};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::communes::{FormerCommune, commune, position};
use super::escalation::{Escalation, step_after_referent};
use super::procedures::institution_of;
use super::referents::{self, ReferentItem};
use super::referrals::named;
use super::structures::{check_procedure, commune_ref, kinds};
use super::{CommuneRef, Named};
use crate::address::{self, Located, NotLocated};
use crate::auth::Caller;
use crate::escalations::Written;
use crate::fields::Fields;
use crate::problem::{Kind, Problem};
use crate::request::{JsonBody, Query, State, day_of, json};
use crate::spec;
use crate::texts::{self, Language};

const DEFAULT_OPTIONS: usize = 5;
const MAX_OPTIONS: u32 = 20;
/// The farthest anybody is sent, in metres.
const MAX_DISTANCE_M: u32 = 100_000;
/// The longest words taken, in characters.
const MAX_WORDS: usize = 1_000;
/// The longest address, in characters.
const LONGEST_ADDRESS: usize = geocoder::LONGEST;
/// The years in which an orientation may be asked for.
const YEARS: std::ops::RangeInclusive<i32> = 2020..=2100;

/// Collectivités with social protection, taxes or residence permits of their own: Saint-Pierre-et-Miquelon, Saint-Barthélemy,
/// Saint-Martin, Terres australes, Wallis-et-Futuna, French Polynesia, New Caledonia (Constitution, articles 72-3 to 74 and 76).
const OWN_RULES: [&str; 7] = ["975", "977", "978", "984", "986", "987", "988"];

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(get_orientation).service(post_orientation);
}

/// A question. One of `procedure` and `q`; one of `commune`, `lat` with `lon`, and `address`.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body; its fields are read one by one, so that every fault is told")]
struct NewOrientation {
    /// Slug of the procedure.
    #[schema(min_length = 1, example = "rsa")]
    procedure: Option<String>,
    /// What the person needs, in anybody's words.
    #[schema(min_length = 1, max_length = 1000, example = json!(null))]
    q: Option<String>,
    /// INSEE code of the commune the person is in.
    #[schema(pattern = "^[0-9][0-9AB][0-9]{3}$", example = "35238")]
    commune: Option<String>,
    /// Degrees WGS 84, with `lon`.
    #[schema(minimum = -90, maximum = 90, example = json!(null))]
    lat: Option<f64>,
    #[schema(minimum = -180, maximum = 180, example = json!(null))]
    lon: Option<f64>,
    /// An address, with its postal code or commune, instead of `commune`. The national geocoder (IGN) locates it and receives
    /// nothing else; when it is away, the commune that the words name stands in (`place.notice`), else 503.
    #[schema(min_length = 1, max_length = 200, example = json!(null))]
    address: Option<String>,
    /// INSEE code of the commune of residence, when the person lives elsewhere: it decides who is competent.
    #[schema(pattern = "^[0-9][0-9AB][0-9]{3}$", example = json!(null))]
    residence: Option<String>,
    /// INSEE code of the commune of the birth, the marriage or the death: its town hall has the act.
    #[schema(pattern = "^[0-9][0-9AB][0-9]{3}$", example = json!(null))]
    event_commune: Option<String>,
    /// The instant asked for; now by default.
    #[schema(example = json!(null))]
    at: Option<DateTime<Utc>>,
    #[schema(minimum = 1, maximum = 100_000, example = json!(null))]
    max_distance_m: Option<u32>,
    #[schema(max_items = 50)]
    kinds: Option<Vec<StructureKind>>,
    help_kind: Option<HelpKind>,
    mode: Option<Channel>,
    /// No appointment possible.
    drop_in: Option<bool>,
    /// ISO 639-1.
    #[schema(pattern = "^[A-Za-z]{2}$", example = json!(null))]
    language: Option<String>,
    wheelchair: Option<bool>,
    regime: Option<Regime>,
    /// What a referent contact would be used for, for those who may see one.
    #[schema(example = json!(null))]
    reason: Option<ContactReason>,
    #[schema(minimum = 1, maximum = 20, default = 5)]
    limit: Option<u32>,
}

/// The answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct OrientationAnswer<'a> {
    /// A random correlation id, kept nowhere; null when the procedure is sensitive.
    orientation_id: Option<Uuid>,
    asked_at: DateTime<Utc>,
    directory: DirectoryState,
    /// Null when the words say nothing of ours; the options are then places that help with any procedure.
    procedure: Option<AskedProcedure<'a>>,
    /// When `procedure` is null: the closest ones, uncertain.
    alternatives: Vec<LikelyProcedure<'a>>,
    place: Place<'a>,
    /// Best first.
    options: Vec<AnswerOption<'a>>,
    /// A line for this procedure; where there is danger it is also the first option.
    hotline: Option<&'a Hotline>,
    institution_channels: Option<InstitutionChannels<'a>>,
    /// Null for a caller who may not see referent contacts.
    referents: Option<ReferentsPart>,
    /// What to do when blocked; both tracks are empty while the procedure isn't known.
    #[schema(value_type = Escalation)]
    escalation: &'a RawValue,
    /// Help with computers beside an online procedure, help with the administrations beside digital help; at most two.
    also: Vec<AlsoItem<'a>>,
    /// Further procedures heard in the same words.
    other_needs: Vec<Named>,
    left_out: Vec<LeftOutItem<'a>>,
    coverage: CoverageItem,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct DirectoryState {
    revision: i64,
    /// Seconds since the database last confirmed this revision.
    age_s: i64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AskedProcedure<'a> {
    slug: &'a str,
    label: &'a str,
    institution: Named,
    urgency: i16,
    verified: bool,
    checked_on: Option<NaiveDate>,
    /// The papers to bring.
    documents: &'a [String],
    /// What to do, in order.
    steps: &'a [String],
    /// What it costs the person; null: not known.
    cost: Option<&'a str>,
    /// How long it usually takes; null: not known.
    delay: Option<&'a str>,
    /// What people stumble over, one line each.
    pitfalls: &'a [String],
    /// The facts never checked, or not for too long: check them before relying on them. `/v1/procedures/{slug}` says since when.
    to_check: Vec<Fact>,
    mandate: Mandate,
    official_url: Option<&'a str>,
    r#match: Match<'a>,
}

/// How the procedure was found.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Match<'a> {
    how: How,
    /// From 0 to 1.
    #[schema(minimum = 0, maximum = 1, example = 0.93)]
    score: f64,
    /// The closest others.
    alternatives: Vec<LikelyProcedure<'a>>,
}

#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum How {
    Slug,
    Words,
}

/// A procedure that may be meant.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct LikelyProcedure<'a> {
    slug: &'a str,
    label: &'a str,
    #[schema(minimum = 0, maximum = 1, example = 0.41)]
    score: f64,
}

impl<'a> From<&Likely<'a>> for LikelyProcedure<'a> {
    fn from(likely: &Likely<'a>) -> Self {
        Self { slug: &likely.procedure.slug, label: &likely.procedure.label, score: likely.score }
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Place<'a> {
    commune: PlaceCommune<'a>,
    /// What the code given stands for, when it is not a commune of today.
    resolved_from: Option<FormerCommune>,
    /// The commune of residence, when it is another.
    residence: Option<PlaceCommune<'a>>,
    location: Location,
    precision: Precision,
    /// What to know of the place: `address_not_located`, when only the commune that the address names could be used; `own_rules`, where
    /// the residence has institutions and laws of its own.
    notice: Option<Coded>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct PlaceCommune<'a> {
    code: &'a str,
    name: &'a str,
    departement: &'a str,
}

impl<'a> From<&'a Commune> for PlaceCommune<'a> {
    fn from(commune: &'a Commune) -> Self {
        Self { code: commune.code.as_str(), name: &commune.name, departement: &commune.departement }
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AnswerOption<'a> {
    rank: usize,
    target: TargetItem<'a>,
    /// As the crow flies; null for what is reached at a distance.
    distance_m: Option<u32>,
    opening: OpeningItem<'a>,
    access: Access,
    /// Who receives people there at times, when it is not the place itself that helps: the opening and the access are theirs.
    session: Option<&'a Session>,
    reasons: Vec<Coded>,
    cautions: Vec<Coded>,
    /// For machines.
    score: f64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct TargetItem<'a> {
    r#type: TargetType,
    /// UUID of a structure, slug of an institution, digits of a hotline.
    #[schema(value_type = String)]
    id: Id<'a>,
    /// A structure's kind.
    kind: Option<StructureKind>,
    name: &'a str,
    address: Option<&'a str>,
    commune: Option<CommuneRef>,
    location: Option<Location>,
    phone: Option<&'a str>,
    email: Option<&'a str>,
    website: Option<&'a str>,
    /// Invented, for demonstration.
    demonstration: bool,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Id<'a> {
    Structure(Uuid),
    Other(&'a str),
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct OpeningItem<'a> {
    status: OpeningStatus,
    until: Option<DateTime<Utc>>,
    next: Option<DateTime<Utc>>,
    /// A condition of these hours, or of the coming ones: « sur rendez-vous ».
    comment: Option<&'a str>,
    /// OSM `opening_hours` syntax.
    hours: Option<&'a str>,
    checked_on: Option<NaiveDate>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Coded {
    #[schema(example = "handles_procedure")]
    code: &'static str,
    #[schema(example = "Ce type de lieu aide pour cette démarche")]
    label: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct InstitutionChannels<'a> {
    website: Option<&'a str>,
    phone: Option<&'a str>,
    /// Its nearest competent desk.
    desk: Option<TargetItem<'a>>,
}

/// The institution's contacts for professionals, for this need.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ReferentsPart {
    /// How many of them can be reached now.
    available: usize,
    /// Best first; how to reach one is shown by its `ask`.
    items: Vec<ReferentItem>,
    /// What to do while none can be reached.
    next_step: Option<Coded>,
    /// What is to be accepted before one is shown.
    #[schema(example = "/v1/charter")]
    charter: &'static str,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AlsoItem<'a> {
    #[schema(example = "digital_help")]
    code: &'static str,
    /// A sentence.
    label: String,
    target: TargetItem<'a>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct LeftOutItem<'a> {
    id: Uuid,
    name: &'a str,
    kind: StructureKind,
    /// Who holds the session that is meant, when it is not the place itself.
    session: Option<&'a str>,
    distance_m: Option<u32>,
    reasons: Vec<Coded>,
    demonstration: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct CoverageItem {
    /// `local` (within 20 km), `distant`, `remote_only` or `none`.
    #[schema(example = "local")]
    level: &'static str,
    /// Metres to the nearest place that may be offered, whether `limit` left room for it or not.
    nearest_m: Option<u32>,
    searched_m: u32,
}

/// Where to redirect this person, for this procedure: asked by a link.
///
/// One of `procedure` and `q`; one of `commune`, `lat` with `lon`, and `address`. Options come best first, each with its reasons and its
/// cautions. An answer depends on the instant: it isn't to be kept.
#[utoipa::path(
    operation_id = "get_orientation",
    tag = "Orientation",
    params(
        ("procedure" = Option<String>, Query, min_length = 1, description = "Slug of the procedure; or `q`", example = "rsa"),
        ("q" = Option<String>, Query, min_length = 1, max_length = 1000, description = "What the person needs, in anybody's words"),
        ("commune" = Option<String>, Query, pattern = "^[0-9][0-9AB][0-9]{3}$", description = "INSEE code of the commune the person is in", example = "35238"),
        ("lat" = Option<f64>, Query, minimum = -90, maximum = 90, description = "Degrees WGS 84, with lon, instead of commune"),
        ("lon" = Option<f64>, Query, minimum = -180, maximum = 180, description = "Degrees WGS 84, with lat"),
        ("address" = Option<String>, Query, min_length = 1, max_length = 200,
            description = "An address, with its postal code or commune, instead of commune. The national geocoder (IGN) locates it and \
                receives nothing else; when it is away, the commune that the words name stands in (`place.notice`), else 503"),
        ("residence" = Option<String>, Query, pattern = "^[0-9][0-9AB][0-9]{3}$", description = "INSEE code of the commune of residence, when it is another"),
        ("event_commune" = Option<String>, Query, pattern = "^[0-9][0-9AB][0-9]{3}$", description = "INSEE code of the commune of the birth, the marriage or the death: its town hall has the act"),
        ("at" = Option<DateTime<Utc>>, Query, description = "RFC 3339; now by default"),
        ("max_distance_m" = Option<u32>, Query, minimum = 1, maximum = 100_000, description = "Metres"),
        ("kinds" = Option<Vec<StructureKind>>, Query, style = Form, explode = false, min_items = 1, max_items = 50, description = "Comma-separated"),
        ("help_kind" = Option<HelpKind>, Query, description = "The help needed"),
        ("mode" = Option<Channel>, Query, description = "in_person by default"),
        ("drop_in" = Option<bool>, Query, description = "No appointment possible"),
        ("language" = Option<String>, Query, pattern = "^[A-Za-z]{2}$", description = "ISO 639-1"),
        ("wheelchair" = Option<bool>, Query, description = "Access by wheelchair"),
        ("regime" = Option<Regime>, Query, description = "Farm workers depend on MSA"),
        ("reason" = Option<ContactReason>, Query, description = "What a referent contact would be used for, for those who may see one"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 20, example = 1, description = "5 by default"),
    ),
    responses((status = 200, description = "The options, with their reasons", body = OrientationAnswer))
)]
#[get("/v1/orientations")]
async fn get_orientation(request: HttpRequest, state: State, caller: Caller, Query(fields): Query) -> Result<HttpResponse, Problem> {
    answer(&request, &state, &caller, fields).await
}

/// Where to redirect this person, for this procedure: the same question in a body.
///
/// For words that are better not written in a link: neither are they logged here, nor kept.
#[utoipa::path(
    operation_id = "post_orientation",
    tag = "Orientation",
    request_body = NewOrientation,
    responses((status = 200, description = "The options, with their reasons", body = OrientationAnswer))
)]
#[post("/v1/orientations")]
async fn post_orientation(request: HttpRequest, state: State, caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    answer(&request, &state, &caller, Fields::from_json(body, &spec::body_fields("NewOrientation"))?).await
}

async fn answer(request: &HttpRequest, state: &State, caller: &Caller, fields: Fields) -> Result<HttpResponse, Problem> {
    let now = Utc::now();
    let directory = state.snapshot.get();
    let heard = fields.text("q", MAX_WORDS).map(|words| directory.catalogue.hear(words));
    let mut asked = parse(&fields, &directory, heard.as_ref(), None, now);
    let mut by_words_alone = false;
    // An address leaves the service only for a question in which nothing is wrong.
    if fields.has("address") && fields.is_sound() {
        let located = locate(&fields, &directory, state.geocoder.as_deref()).await?;
        by_words_alone = located.as_ref().is_some_and(|located| located.by_words_alone);
        asked = parse(&fields, &directory, heard.as_ref(), located, now);
    }
    let reason: Option<ContactReason> = fields.code("reason");
    let Asked { mut need, resolved_from } = fields.finish(asked)?;
    need.experience = state.learnt.load_full();
    let language = Language::of(request);
    let orientation = directory.orient(&need).ok_or_else(|| Problem::not_found("Démarche"))?;
    if let Some(resolved) = directory.territory.resolve(&need.commune) {
        state.questions.count(now.date_naive(), orientation.procedure, resolved.commune, orientation.coverage.level);
    }
    let escalations = state.escalations.of(&directory.catalogue);
    let shown = Shown { directory: &directory, need: &need, heard: heard.as_ref(), language };
    let referents = referents(state, &shown, &orientation, caller, reason);
    let with_referent = referents.as_ref().filter(|part| !part.items.is_empty()).and(orientation.procedure);
    let with_referent = with_referent.map(|procedure| Written::with_referent(procedure, language));
    let escalation = with_referent.as_deref().unwrap_or_else(|| escalations.get(orientation.procedure, language));
    let state = DirectoryState { revision: directory.revision, age_s: state.snapshot.age_s(now) };
    let mut shown = shown.answer(&orientation, escalation, state, resolved_from, now);
    shown.referents = referents;
    let own_rules = directory.territory.resolve(&need.residence).is_some_and(|it| OWN_RULES.contains(&it.commune.departement.as_str()));
    let notice = if by_words_alone { Some("address_not_located") } else { own_rules.then_some("own_rules") };
    shown.place.notice = notice.map(|code| Coded { code, label: texts::notice(language, code) });
    let mut response = HttpResponse::Ok();
    response.insert_header(("Cache-Control", "no-store"));
    response.insert_header(("Vary", "Accept-Language, Authorization, Accept-Encoding"));
    response.insert_header(("Content-Language", language.code()));
    json(response, &shown)
}

/// The contacts of the institution in charge, for a caller who may see them. They are judged of today, whatever the instant asked for:
/// it is today that one is asked.
fn referents(
    state: &State,
    shown: &Shown<'_>,
    orientation: &Orientation<'_>,
    caller: &Caller,
    reason: Option<ContactReason>,
) -> Option<ReferentsPart> {
    let grant = caller.identity().map(|identity| &identity.grant).filter(|grant| grant.has(Role::Mediator))?;
    let none = ReferentsPart { available: 0, items: Vec::new(), next_step: None, charter: "/v1/charter" };
    let Some(procedure) = orientation.procedure else { return Some(none) };
    let Some(residence) = shown.directory.territory.resolve(&shown.need.residence) else { return Some(none) };
    let institution = orientation.institution.map_or(&procedure.institution, |it| &it.slug);
    let day = day_of(Utc::now());
    let departement = residence.commune.departement.as_str();
    let wish = Wish { departement, procedure: &procedure.slug, reason, territory: &grant.territory, day };
    let book = state.referents.get();
    let told = book.choose(institution, &wish);
    let available = told.iter().filter(|one| one.availability == Availability::Available).count();
    let next = step_after_referent(procedure).filter(|_| available == 0 && !told.is_empty());
    let telling = referents::Shown { catalogue: &shown.directory.catalogue, language: shown.language, day };
    Some(ReferentsPart {
        available,
        items: told.iter().map(|one| telling.told(one)).collect(),
        next_step: next.map(|step| Coded { code: step.code, label: texts::step(shown.language, &step) }),
        ..none
    })
}

/// A question, parsed.
struct Asked {
    need: Need,
    /// What the place's code stood for.
    resolved_from: Option<FormerCommune>,
}

/// The question behind the fields, and what was heard in its words. Everything wrong is noted in `fields`.
fn parse<'d>(
    fields: &Fields,
    directory: &'d Directory,
    heard: Option<&Heard<'_>>,
    located: Option<Located<'d>>,
    now: DateTime<Utc>,
) -> Option<Asked> {
    match (fields.has("procedure"), fields.has("q")) {
        (true, true) => fields.report(Kind::InvalidValue, "q", "Donnez « procedure » ou « q », mais pas les deux."),
        (false, false) => {
            let both = "Une démarche est attendue : « procedure » (un identifiant de /v1/procedures) ou « q » (les mots de la personne).";
            fields.report(Kind::InvalidValue, "procedure", both);
        }
        _ => {}
    }
    let procedure = match heard {
        Some(heard) => heard.needs.first().map(|main| main.procedure.slug.clone()),
        None => fields.text("procedure", 100).map(str::to_owned),
    };
    if let Some(slug) = procedure.as_deref().filter(|_| heard.is_none()) {
        check_procedure(fields, "procedure", directory, slug);
    }
    let located = located.map(|Located { commune, location, precision, .. }| Where { commune, location, precision });
    let place = located.or_else(|| place(fields, directory));
    let residence = commune(fields, "residence", &directory.territory).map(|resolved| resolved.commune.code);
    let event = commune(fields, "event_commune", &directory.territory);
    let event_commune = event.map(|resolved| resolved.from.unwrap_or(resolved.commune).code);
    let at = if fields.has("at") { fields.instant("at") } else { Some(now) };
    if at.is_some_and(|at| !YEARS.contains(&at.year())) {
        fields.report(Kind::InvalidValue, "at", format!("Une année de {} à {} est attendue.", YEARS.start(), YEARS.end()));
    }
    let language = fields.text("language", 20).map(str::to_ascii_lowercase);
    if language.as_ref().is_some_and(|code| code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_lowercase())) {
        fields.report(Kind::InvalidValue, "language", "Un code de langue à deux lettres est attendu (ISO 639-1), par exemple « ar ».");
    }
    let limit = fields.integer("limit", 1..=MAX_OPTIONS).and_then(|limit| usize::try_from(limit).ok());
    let max_distance_m = fields.integer("max_distance_m", 1..=MAX_DISTANCE_M);
    let (kinds, help_kind) = (kinds(fields), fields.code("help_kind"));
    let (channel, regime): (Option<Channel>, Option<Regime>) = (fields.code("mode"), fields.code("regime"));
    let (drop_in, wheelchair) = (fields.flag("drop_in"), fields.flag("wheelchair"));

    let danger = heard.and_then(|heard| heard.danger).map(|danger| danger.slug.clone());

    // From here on, whatever is missing was noted above.
    let Where { commune, location, precision } = place?;
    let need = Need {
        procedure,
        danger,
        commune: commune.commune.code,
        location,
        precision,
        residence: residence.unwrap_or(commune.commune.code),
        event_commune,
        at: at?,
        max_distance_m,
        kinds,
        help_kind,
        channel: channel.unwrap_or_default(),
        drop_in: drop_in.unwrap_or_default(),
        language,
        wheelchair: wheelchair.unwrap_or_default(),
        regime: regime.unwrap_or_default(),
        experience: None,
        limit: limit.unwrap_or(DEFAULT_OPTIONS),
    };
    Some(Asked { need, resolved_from: commune.from.map(FormerCommune::from) })
}

struct Where<'t> {
    commune: Resolved<'t>,
    /// Where distances are measured from.
    location: Location,
    precision: Precision,
}

/// Where the address given is. Everything wrong with it is noted in `fields`.
async fn locate<'d>(fields: &Fields, directory: &'d Directory, geocoder: Option<&Geocoder>) -> Result<Option<Located<'d>>, Problem> {
    let Some(address) = fields.text("address", LONGEST_ADDRESS) else { return Ok(None) };
    let example = |commune: &Commune| format!("commune={} ({})", commune.code, commune.name);
    let (detail, allowed) = match address::locate(address, geocoder, &directory.territory).await {
        Ok(located) => return Ok(Some(located)),
        Err(NotLocated::Unknown(commune)) => {
            let hint = commune.map_or_else(|| "« commune » (code INSEE)".to_owned(), example);
            (format!("Cette adresse n'a pas été trouvée : vérifiez-la, ou donnez {hint}, ou « lat » et « lon »."), Vec::new())
        }
        Err(NotLocated::Ambiguous(communes)) => {
            let detail = "Cette adresse existe dans plusieurs communes : ajoutez le code postal et la commune.";
            (detail.to_owned(), communes.into_iter().map(example).collect())
        }
        Err(NotLocated::Unavailable { retry_after }) => {
            let detail = "L'adresse ne peut pas être située pour le moment, et elle ne nomme pas de commune sans doute possible : donnez \
                          « commune » (code INSEE), ou « lat » et « lon », ou réessayez plus tard.";
            return Err(Problem::unavailable(detail, retry_after));
        }
    };
    fields.report_with(Kind::InvalidValue, "address", detail, allowed);
    Ok(None)
}

/// An address is somebody's home, and is sent to somebody else's server: nothing but it may be in there.
fn check_address(fields: &Fields) {
    for other in ["commune", "lat", "lon"].iter().filter(|other| fields.has(other)) {
        fields.report(Kind::InvalidValue, other, "Donnez « address », ou « commune », ou « lat » et « lon », mais un seul des trois.");
    }
    let found = fields.text("address", LONGEST_ADDRESS).and_then(find_identifier);
    // A number and a postal code look like a CAF number.
    if let Some(identifier) = found.filter(|identifier| *identifier != Identifier::CafNumber) {
        let detail = format!("Cette adresse semble contenir {} : retirez-le, elle est envoyée au géocodeur national.", named(identifier));
        fields.report(Kind::InvalidValue, "address", detail);
    }
}

/// Where the person is: a position, or the centre of a commune. An address is located before.
fn place<'t>(fields: &Fields, directory: &'t Directory) -> Option<Where<'t>> {
    let territory = &directory.territory;
    if fields.has("address") {
        check_address(fields);
        return None;
    }
    if fields.has("lat") || fields.has("lon") {
        if fields.has("commune") {
            fields.report(Kind::InvalidValue, "commune", "Donnez « commune », ou « lat » et « lon », mais pas les deux.");
        }
        let location = position(fields)?;
        let found = territory.locate(location);
        if found.is_none() {
            fields.report(Kind::InvalidValue, "lat", "Ce point n'est dans aucune commune de France : il est en mer ou à l'étranger.");
        }
        return Some(Where { commune: Resolved { commune: found?, from: None }, location, precision: Precision::Point });
    }
    if !fields.has("commune") {
        fields.report(Kind::InvalidValue, "commune", "Un lieu est attendu : « commune » (code INSEE), « address », ou « lat » et « lon ».");
        return None;
    }
    let commune = commune(fields, "commune", territory)?;
    let centre = address::centre(commune);
    if centre.is_none() {
        fields.report(Kind::InvalidValue, "commune", "La position de cette commune n'est pas connue : donnez « lat » et « lon ».");
    }
    Some(Where { commune, location: centre?, precision: Precision::Commune })
}

/// Turns an orientation into the documented answer, in one language.
struct Shown<'a> {
    directory: &'a Directory,
    need: &'a Need,
    heard: Option<&'a Heard<'a>>,
    language: Language,
}

impl<'a> Shown<'a> {
    fn answer(
        &self,
        orientation: &'a Orientation<'a>,
        escalation: &'a RawValue,
        directory: DirectoryState,
        resolved_from: Option<FormerCommune>,
        now: DateTime<Utc>,
    ) -> OrientationAnswer<'a> {
        let procedure = orientation.procedure;
        let commune_of = |code| self.directory.territory.resolve(code).map(|resolved| PlaceCommune::from(resolved.commune));
        let unknown = || PlaceCommune { code: self.need.commune.as_str(), name: "", departement: "" };
        let elsewhere = self.need.residence != self.need.commune;
        OrientationAnswer {
            // What could tell of a sensitive need apart from it is not told either.
            orientation_id: (!self.is_sensitive(procedure)).then(Uuid::new_v4),
            asked_at: now,
            directory,
            procedure: procedure.map(|procedure| self.procedure(procedure, orientation, day_of(now))),
            alternatives: if procedure.is_none() { self.alternatives() } else { Vec::new() },
            place: Place {
                commune: commune_of(&self.need.commune).unwrap_or_else(unknown),
                resolved_from,
                residence: elsewhere.then(|| commune_of(&self.need.residence)).flatten(),
                location: self.need.location,
                precision: self.need.precision,
                notice: None,
            },
            institution_channels: orientation.institution.map(|institution| InstitutionChannels {
                website: website(institution, orientation),
                phone: institution.phone.as_deref(),
                desk: orientation.desk.as_ref().map(|(entry, _)| self.structure(entry)),
            }),
            options: (1..).zip(&orientation.options).map(|(rank, choice)| self.option(rank, choice, orientation)).collect(),
            hotline: orientation.hotline.as_ref(),
            referents: None,
            escalation,
            also: orientation.also.iter().map(|also| self.also(also)).collect(),
            other_needs: self.other_needs(),
            left_out: orientation.left_out.iter().map(|left| self.left_out(left)).collect(),
            coverage: CoverageItem {
                level: orientation.coverage.level.into(),
                nearest_m: orientation.coverage.nearest_m,
                searched_m: orientation.coverage.searched_m,
            },
        }
    }

    fn procedure(&self, procedure: &'a Procedure, orientation: &Orientation<'a>, today: NaiveDate) -> AskedProcedure<'a> {
        let main = self.heard.and_then(|heard| heard.needs.first());
        AskedProcedure {
            slug: &procedure.slug,
            label: &procedure.label,
            institution: orientation.institution.map_or_else(
                || institution_of(&self.directory.catalogue, procedure),
                |institution| Named { slug: institution.slug.clone(), label: institution.label.clone() },
            ),
            urgency: procedure.urgency,
            verified: procedure.is_verified(),
            checked_on: procedure.checked_on,
            documents: &procedure.documents,
            steps: &procedure.steps,
            cost: procedure.cost.as_deref(),
            delay: procedure.delay.as_deref(),
            pitfalls: &procedure.pitfalls,
            to_check: procedure.facts().iter().filter(|known| known.is_to_check(today)).map(|known| known.fact).collect(),
            mandate: procedure.mandate,
            official_url: procedure.official_url.as_deref(),
            r#match: Match {
                how: if main.is_some() { How::Words } else { How::Slug },
                score: main.map_or(1.0, |main| main.score),
                alternatives: self.alternatives(),
            },
        }
    }

    /// The need itself, or what else was heard in the same words.
    fn is_sensitive(&self, procedure: Option<&Procedure>) -> bool {
        let heard = self.heard.into_iter().flat_map(|heard| heard.needs.iter().map(|need| need.procedure).chain(heard.danger));
        procedure.into_iter().chain(heard).any(|procedure| procedure.sensitive)
    }

    fn alternatives(&self) -> Vec<LikelyProcedure<'a>> {
        self.heard.into_iter().flat_map(|heard| &heard.alternatives).map(LikelyProcedure::from).collect()
    }

    fn other_needs(&self) -> Vec<Named> {
        let others = self.heard.into_iter().flat_map(|heard| heard.needs.iter().skip(1));
        others.map(|other| Named { slug: other.procedure.slug.clone(), label: other.procedure.label.clone() }).collect()
    }

    fn option(&self, rank: usize, choice: &'a Choice<'a>, orientation: &'a Orientation<'a>) -> AnswerOption<'a> {
        let door = match &choice.target {
            ChoiceTarget::Structure(door) => Some(door),
            ChoiceTarget::Institution(_) | ChoiceTarget::Hotline(_) => None,
        };
        let commune = door.map_or(&self.need.commune, |door| &door.structure().commune);
        let zone = self.directory.territory.resolve(commune).map_or(chrono_tz::Europe::Paris, |resolved| resolved.commune.time_zone);
        AnswerOption {
            rank,
            target: match &choice.target {
                ChoiceTarget::Structure(door) => self.structure(door.entry),
                ChoiceTarget::Institution(institution) => TargetItem {
                    website: website(institution, orientation),
                    phone: institution.phone.as_deref(),
                    ..bare_target(TargetType::Institution, Id::Other(&institution.slug), &institution.label)
                },
                ChoiceTarget::Hotline(line) => {
                    TargetItem { phone: Some(&line.phone), ..bare_target(TargetType::Hotline, Id::Other(&line.phone), &line.label) }
                }
            },
            distance_m: choice.distance_m,
            opening: OpeningItem {
                status: choice.opening.status,
                until: choice.opening.until,
                next: choice.opening.next,
                comment: choice.opening.comment.as_deref(),
                hours: door.and_then(Door::opening_hours).map(String::as_str),
                checked_on: door.and_then(Door::hours_checked_on),
            },
            access: choice.access,
            session: door.and_then(Door::session),
            reasons: choice
                .reasons
                .iter()
                .map(|reason| Coded { code: reason.code(), label: texts::reason(self.language, reason, zone, self.need.at) })
                .collect(),
            cautions: choice
                .cautions
                .iter()
                .map(|caution| Coded { code: caution.code(), label: texts::caution(self.language, caution) })
                .collect(),
            score: choice.score,
        }
    }

    fn structure(&self, entry: &'a Entry) -> TargetItem<'a> {
        let structure = &entry.structure;
        TargetItem {
            kind: Some(structure.kind),
            address: structure.address.as_deref(),
            commune: Some(commune_ref(self.directory, &entry.structure)),
            location: structure.location,
            phone: structure.phone.as_deref(),
            email: structure.email.as_deref(),
            website: structure.website.as_deref(),
            demonstration: structure.demonstration,
            ..bare_target(TargetType::Structure, Id::Structure(structure.id), &structure.name)
        }
    }

    fn also(&self, also: &Also<'a>) -> AlsoItem<'a> {
        AlsoItem { code: also.why.code(), label: texts::pairing(self.language, &also.why), target: self.structure(also.entry) }
    }

    fn left_out(&self, left: &LeftOut<'a>) -> LeftOutItem<'a> {
        let structure = left.door.structure();
        LeftOutItem {
            id: structure.id,
            name: &structure.name,
            kind: structure.kind,
            session: left.door.session().map(|session| session.holder.as_str()),
            distance_m: left.distance_m,
            reasons: vec![Coded { code: left.reason.code(), label: texts::exclusion(self.language, &left.reason) }],
            demonstration: structure.demonstration,
        }
    }
}

/// Its own site; else the procedure's, which is that of whoever is in charge for most people.
fn website<'a>(institution: &'a Institution, orientation: &Orientation<'a>) -> Option<&'a str> {
    let procedure = orientation.procedure.filter(|procedure| procedure.institution == institution.slug);
    institution.website.as_deref().or_else(|| procedure?.official_url.as_deref())
}

/// A target of which only this much is known.
fn bare_target<'a>(r#type: TargetType, id: Id<'a>, name: &'a str) -> TargetItem<'a> {
    TargetItem {
        r#type,
        id,
        kind: None,
        name,
        address: None,
        commune: None,
        location: None,
        phone: None,
        email: None,
        website: None,
        demonstration: false,
    }
}
