//! `/v1/deadlines`: until when can this decision be appealed against?

use actix_web::{HttpRequest, HttpResponse, post};
use aiguilleur_directory::Directory;
use aiguilleur_domain::deadline::{Counted, LastDay, is_short, last_day, last_instant, start_of};
use aiguilleur_domain::escalation::{Appeal, Contested, Start, TimeLimit};
use aiguilleur_domain::holidays::HolidayRegion;
use aiguilleur_domain::procedure::Procedure;
use aiguilleur_domain::territory::Commune;
use chrono::{DateTime, Duration, Months, NaiveDate, SecondsFormat, Utc};
use chrono_tz::Tz;
use fluent_bundle::FluentArgs;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{AnyOfBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa_actix_web::service_config::ServiceConfig;

use super::Named;
use super::communes::commune;
use super::structures::check_procedure;
use crate::auth::Caller;
use crate::fields::{Fields, Moment};
use crate::problem::{Kind, Problem, ProblemDocument};
use crate::request::{JsonBody, State, json};
use crate::spec;
use crate::texts::{self, Language};

/// How old a notification may be.
const OLDEST: Months = Months::new(120);

pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(post_deadlines);
}

/// A decision that was notified. Nothing of it is kept.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the body; its fields are read one by one, so that every fault is told")]
struct NewDeadlines {
    /// Slug of the procedure.
    #[schema(min_length = 1, example = "prime-activite")]
    procedure: String,
    /// Slug of the kind of decision, where the procedure's appeals tell several apart (`against` in its escalation).
    #[schema(min_length = 1, example = json!(null))]
    decision: Option<String>,
    #[schema(schema_with = day_or_instant)]
    notified_on: String,
    /// INSEE code of the commune of residence: for its time, and for public holidays that are not kept everywhere.
    #[schema(pattern = "^[0-9][0-9AB][0-9]{3}$", example = json!(null))]
    commune: Option<String>,
}

fn day_or_instant() -> Schema {
    let text = |format| ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(format)));
    let said =
        "The day of the notification, or of the service of the act; with its time (RFC 3339) where hours count. At most ten years ago.";
    Schema::AnyOf(AnyOfBuilder::new().description(Some(said)).item(text(KnownFormat::Date)).item(text(KnownFormat::DateTime)).build())
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct DeadlinesAnswer {
    procedure: Named,
    decision: Option<Contested>,
    /// As it was given: a day, or an instant.
    notified_on: String,
    /// The verified stages, in the catalogue's order. Several from the same event are so many ways to choose from.
    deadlines: Vec<DeadlineItem>,
    /// What this count doesn't know, and whom to see.
    advice: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct DeadlineItem {
    #[schema(example = "commission de recours amiable de la Caf")]
    body: String,
    /// As the law writes it; null: not on record.
    #[schema(example = "P2M")]
    deadline: Option<String>,
    from: Option<Start>,
    /// The last day on which one can act, until midnight (where hours count, until `last_instant`). Null: it runs from another event, or isn't on record.
    last_day: Option<NaiveDate>,
    /// Where hours count.
    last_instant: Option<DateTime<Utc>>,
    /// Null where nothing was counted.
    counted: Option<Counted>,
    /// How it was counted, and why it moved.
    label: String,
    /// Null where nothing was counted.
    past: Option<bool>,
    /// Whether one must go through it before the next; null: not known.
    compulsory: Option<bool>,
    /// What it suspends, or doesn't.
    effect: Option<String>,
    law: Option<String>,
}

/// Until when a decision can be appealed against: the last day, and how it was counted.
///
/// Where the law is unsettled, the earlier day. A time limit that isn't verified is not counted: 422, read the letter.
#[utoipa::path(
    operation_id = "post_deadlines",
    tag = "Orientation",
    request_body = NewDeadlines,
    responses(
        (status = 200, description = "The verified stages, with their last days", body = DeadlinesAnswer),
        (status = 422, description = "A value that isn't allowed; or `deadline-not-verified`: read the time limit on the letter",
            body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/deadlines")]
async fn post_deadlines(request: HttpRequest, state: State, _caller: Caller, JsonBody(body): JsonBody) -> Result<HttpResponse, Problem> {
    let now = Utc::now();
    let directory = state.snapshot.get();
    let fields = Fields::from_json(body, &spec::body_fields("NewDeadlines"))?;
    let asked = parse(&fields, &directory, now);
    let asked = fields.finish(asked)?;
    let language = Language::of(&request);
    let stages: Vec<&Appeal> = asked.procedure.stages_against(asked.decision).collect();
    if !stages.iter().any(|stage| is_verified_beginning(stage)) {
        return Err(not_verified());
    }
    let has_others = stages.iter().any(|stage| !stage.verified);
    let count = Count { moment: asked.moment, zone: asked.zone, region: asked.region, now, language };
    let deadlines: Vec<DeadlineItem> = stages.into_iter().filter(|stage| stage.verified).map(|stage| count.show(stage)).collect();
    let mut response = HttpResponse::Ok();
    response.insert_header(("Cache-Control", "no-store"));
    response.insert_header(("Vary", "Accept-Language, Authorization, Accept-Encoding"));
    response.insert_header(("Content-Language", language.code()));
    json(
        response,
        &DeadlinesAnswer {
            procedure: Named { slug: asked.procedure.slug.clone(), label: asked.procedure.label.clone() },
            decision: asked.decision.cloned(),
            notified_on: match asked.moment {
                Moment::Day(day) => day.to_string(),
                Moment::Instant(instant) => instant.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            },
            advice: advice(language, &deadlines, has_others),
            deadlines,
        },
    )
}

/// Verified, with a time limit that begins without another appeal before it.
fn is_verified_beginning(stage: &Appeal) -> bool {
    stage.verified && stage.within.is_some() && stage.from.is_some_and(|start| start != Start::PreviousStep)
}

fn not_verified() -> Problem {
    Problem::new(
        Kind::DeadlineNotVerified,
        "Ce délai n'est pas vérifié, ou pas enregistré : lisez-le aujourd'hui sur votre courrier, et voyez un point-justice (3039).",
    )
}

struct Asked<'d> {
    procedure: &'d Procedure,
    decision: Option<&'d Contested>,
    moment: Moment,
    zone: Tz,
    region: HolidayRegion,
}

/// What is asked. Everything wrong is noted in `fields`.
fn parse<'d>(fields: &Fields, directory: &'d Directory, now: DateTime<Utc>) -> Option<Asked<'d>> {
    let slug = fields.text("procedure", 100);
    match slug {
        Some(slug) => check_procedure(fields, "procedure", directory, slug),
        None if fields.has("procedure") => {}
        None => fields.report(Kind::InvalidValue, "procedure", "Une démarche est attendue, par son identifiant ; voir /v1/procedures."),
    }
    let residence = commune(fields, "commune", &directory.territory).map(|resolved| resolved.commune);
    let zone = residence.map_or(chrono_tz::Europe::Paris, |commune| commune.time_zone);
    let moment = fields.moment("notified_on");
    match moment {
        Some(moment) => check_age(fields, moment, zone, now),
        None if fields.has("notified_on") => {}
        None => fields.report(Kind::InvalidValue, "notified_on", "La date de notification est attendue, par exemple 2026-11-23."),
    }
    let procedure = slug.and_then(|slug| directory.catalogue.procedure(slug));
    let given = fields.text("decision", 100);
    let decision = procedure.map(|procedure| decision(fields, procedure, given));

    Some(Asked { procedure: procedure?, decision: decision?, moment: moment?, zone, region: region(residence) })
}

/// The days that are kept where the person lives: nearly always where the body sits too.
fn region(residence: Option<&Commune>) -> HolidayRegion {
    residence.map_or(HolidayRegion::National, |commune| HolidayRegion::of_departement(commune.code.departement()))
}

fn check_age(fields: &Fields, moment: Moment, zone: Tz, now: DateTime<Utc>) {
    let today = now.with_timezone(&zone).date_naive();
    let is_ahead = match moment {
        Moment::Day(day) => day > today,
        Moment::Instant(instant) => instant > now,
    };
    if is_ahead {
        fields.report(Kind::InvalidValue, "notified_on", "Cette date est à venir : donnez le jour où la décision a été reçue.");
    } else if today.checked_sub_months(OLDEST).is_some_and(|oldest| day_of(moment, zone) < oldest) {
        fields.report(Kind::InvalidValue, "notified_on", "Cette date a plus de dix ans : voyez un point-justice (3039).");
    }
}

/// The kind of decision meant; none where the procedure's appeals don't tell any apart.
fn decision<'p>(fields: &Fields, procedure: &'p Procedure, given: Option<&str>) -> Option<&'p Contested> {
    let kinds = procedure.decisions();
    let chosen = match given {
        Some(given) => kinds.iter().copied().find(|kind| kind.slug == given),
        None => kinds.first().copied().filter(|_| kinds.len() == 1),
    };
    let fault = match (given, kinds.is_empty()) {
        (Some(_), true) => Some("Les recours de cette démarche ne distinguent pas de décisions : ne donnez pas « decision ».".to_owned()),
        (Some(given), false) if chosen.is_none() => Some(format!("« {given} » n'est pas une décision de cette démarche.")),
        // What can't be read as text was noted when it was read.
        (None, false) if chosen.is_none() && !fields.has("decision") => {
            Some("Les recours dépendent de la décision : dites laquelle.".to_owned())
        }
        _ => None,
    };
    if let Some(detail) = fault {
        let allowed = kinds.into_iter().map(|kind| kind.slug.clone()).collect();
        fields.report_with(Kind::InvalidValue, "decision", detail, allowed);
    }
    chosen
}

fn day_of(moment: Moment, zone: Tz) -> NaiveDate {
    match moment {
        Moment::Day(day) => day,
        Moment::Instant(instant) => instant.with_timezone(&zone).date_naive(),
    }
}

/// Counts the stages of one notification, and says how.
struct Count {
    moment: Moment,
    zone: Tz,
    region: HolidayRegion,
    now: DateTime<Utc>,
    language: Language,
}

impl Count {
    fn show(&self, stage: &Appeal) -> DeadlineItem {
        let counted = stage.within.zip(stage.from).filter(|(_, start)| matches!(start, Start::Notification | Start::Service));
        counted.and_then(|(limit, start)| self.counted(stage, limit, start)).unwrap_or_else(|| self.uncounted(stage))
    }

    fn counted(&self, stage: &Appeal, limit: TimeLimit, start: Start) -> Option<DeadlineItem> {
        let mut args = FluentArgs::new();
        args.set("span", texts::span(self.language, limit, start));
        let (mut item, mut sentences) = if let TimeLimit::Hours(hours) = limit {
            self.in_hours(stage, hours, &mut args)?
        } else {
            self.in_days(stage, limit, &mut args)?
        };
        if start == Start::Service {
            sentences.push("deadline-service");
        }
        if item.past == Some(true) {
            sentences.push("deadline-past");
        }
        let said: Vec<String> = sentences.into_iter().map(|key| texts::text(self.language, key, Some(&args))).collect();
        item.label = said.join(" ");
        Some(item)
    }

    fn in_hours(&self, stage: &Appeal, hours: u16, args: &mut FluentArgs<'_>) -> Option<(DeadlineItem, Vec<&'static str>)> {
        // Without its hour, the act may have been notified as early as the first instant of that day.
        let (start, key) = match self.moment {
            Moment::Instant(instant) => (instant, "deadline-hours"),
            Moment::Day(day) => (start_of(day, self.zone)?, "deadline-hours-from-midnight"),
        };
        let last = last_instant(hours, start, self.zone)?;
        args.set("moment", texts::full_moment(self.language, last, self.zone));
        let item = DeadlineItem {
            // Until midnight is until the day before.
            last_day: Some((last - Duration::seconds(1)).with_timezone(&self.zone).date_naive()),
            last_instant: Some(last),
            counted: Some(Counted::Hours),
            past: Some(last < self.now),
            ..bare(stage)
        };
        Some((item, vec![key]))
    }

    fn in_days(&self, stage: &Appeal, limit: TimeLimit, args: &mut FluentArgs<'_>) -> Option<(DeadlineItem, Vec<&'static str>)> {
        let last: LastDay = last_day(limit, stage.franc, day_of(self.moment, self.zone), self.region)?;
        args.set("date", texts::date(self.language, last.day));
        let mut sentences = vec![match (last.counted, limit) {
            (Counted::Franc, _) => "deadline-franc",
            (Counted::YearEnd, _) => "deadline-year-end",
            (_, TimeLimit::Days(_)) => "deadline-days",
            _ => "deadline-months",
        }];
        if let Some((from, why)) = last.day_off {
            args.set("from", texts::date(self.language, from));
            args.set("why", <&str>::from(why));
            sentences.push(if last.is_moved() { "deadline-moved" } else { "deadline-not-moved" });
        }
        if let Some(elsewhere) = last.elsewhere {
            args.set("elsewhere", texts::date(self.language, elsewhere));
            sentences.push("deadline-elsewhere");
        }
        let item = DeadlineItem {
            last_day: Some(last.day),
            counted: Some(last.counted),
            past: Some(last.day < self.now.with_timezone(&self.zone).date_naive()),
            ..bare(stage)
        };
        Some((item, sentences))
    }

    /// A stage that begins with something else than the notification.
    fn uncounted(&self, stage: &Appeal) -> DeadlineItem {
        let label = match stage.within.zip(stage.from) {
            None => texts::text(self.language, "deadline-no-limit", None),
            Some((limit, start)) => {
                let span = texts::span(self.language, limit, start);
                let next = start == Start::PreviousStep;
                let mut args = FluentArgs::new();
                args.set("span", if next { span } else { texts::capitalised(&span) });
                texts::text(self.language, if next { "deadline-next-step" } else { "deadline-other-event" }, Some(&args))
            }
        };
        DeadlineItem { label, ..bare(stage) }
    }
}

/// What is known of a stage before anything is counted.
fn bare(stage: &Appeal) -> DeadlineItem {
    DeadlineItem {
        body: stage.body.clone(),
        deadline: stage.within.map(String::from),
        from: stage.from,
        last_day: None,
        last_instant: None,
        counted: None,
        label: String::new(),
        past: None,
        compulsory: stage.compulsory,
        effect: stage.effect.clone(),
        law: stage.law.clone(),
    }
}

/// What no count knows, the most urgent first.
fn advice(language: Language, deadlines: &[DeadlineItem], has_others: bool) -> String {
    let limits = deadlines.iter().filter_map(|item| TimeLimit::parse(item.deadline.as_deref()?));
    let has_short = limits.into_iter().any(is_short);
    let is_past = deadlines.iter().any(|item| item.past == Some(true));
    let in_hours = deadlines.iter().any(|item| item.counted == Some(Counted::Hours));
    let said = [
        (is_past, "advice-past"),
        (in_hours, "advice-hours"),
        (has_others, "advice-unverified"),
        (true, "advice"),
        // Said of a few days, it might be believed.
        (!has_short, "advice-distance"),
    ];
    said.into_iter().filter(|(applies, _)| *applies).map(|(_, key)| texts::text(language, key, None)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(within: &str, from: Start, franc: bool) -> Appeal {
        Appeal {
            against: None,
            body: "tribunal administratif".to_owned(),
            within: TimeLimit::parse(within),
            from: Some(from),
            franc,
            compulsory: Some(false),
            effect: None,
            law: None,
            verified: true,
        }
    }

    fn count(moment: Moment) -> Count {
        Count {
            moment,
            zone: chrono_tz::Europe::Paris,
            region: HolidayRegion::National,
            now: "2026-11-22T12:00:00Z".parse().unwrap(),
            language: Language::Fr,
        }
    }

    fn on(day: &str) -> Count {
        count(Moment::Day(day.parse().unwrap()))
    }

    #[test]
    fn forty_eight_hours_run_from_the_hour_or_from_the_first_of_the_day() {
        let retention = stage("PT48H", Start::Notification, false);
        let exact = count(Moment::Instant("2026-11-21T09:15:00Z".parse().unwrap())).show(&retention);
        assert_eq!(
            (exact.last_instant, exact.last_day),
            (Some("2026-11-23T09:15:00Z".parse().unwrap()), Some("2026-11-23".parse().unwrap()))
        );
        assert!(exact.label.contains("lundi 23 novembre 2026 à 10:15"), "{}", exact.label);
        assert_eq!((exact.counted, exact.past), (Some(Counted::Hours), Some(false)));

        let safe = on("2026-11-21").show(&retention);
        assert_eq!(
            (safe.last_instant, safe.last_day),
            (Some("2026-11-22T23:00:00Z".parse().unwrap()), Some("2026-11-22".parse().unwrap()))
        );
        assert!(safe.label.contains("l'heure écrite sur l'acte qui décide"), "{}", safe.label);
    }

    #[test]
    fn moved_days_are_explained() {
        let moved = on("2026-10-24").show(&stage("P1M", Start::Notification, true));
        assert_eq!((moved.last_day, moved.counted), (Some("2026-11-25".parse().unwrap()), Some(Counted::Franc)));
        assert!(moved.label.contains("délai franc") && !moved.label.contains("reporté"), "{}", moved.label);
        let moved = on("2026-09-22").show(&stage("P2M", Start::Notification, false));
        assert_eq!((moved.last_day, moved.past), (Some("2026-11-23".parse().unwrap()), Some(false)));
        assert!(moved.label.contains("finissait le dimanche 22 novembre 2026 : il est reporté"), "{}", moved.label);
        let week = on("2026-11-15").show(&stage("P7D", Start::Notification, false));
        assert_eq!(week.last_day, Some("2026-11-22".parse().unwrap()));
        assert!(week.label.contains("ne comptez pas sur un report"), "{}", week.label);
    }

    #[test]
    fn what_is_past_says_so() {
        let past = on("2026-09-01").show(&stage("P2M", Start::Service, false));
        assert_eq!((past.last_day, past.past), (Some("2026-11-02".parse().unwrap()), Some(true)));
        assert!(past.label.contains("ce délai est passé") && past.label.contains("commissaire de justice"), "{}", past.label);
        assert!(advice(Language::Fr, &[past], false).starts_with("Un délai est passé"));
    }

    #[test]
    fn what_runs_from_another_event_is_not_counted() {
        let next = on("2026-11-20").show(&stage("P2M", Start::PreviousStep, true));
        assert_eq!((next.last_day, next.counted, next.past), (None, None, None));
        assert!(next.label.starts_with("Étape suivante : 2 mois à compter de la réponse à l'étape d'avant"), "{}", next.label);
        let tax = on("2026-11-20").show(&stage("YE+2", Start::Collection, false));
        assert_eq!(tax.last_day, None);
        assert!(tax.label.starts_with("Jusqu'au 31 décembre de la 2e année qui suit la mise en recouvrement"), "{}", tax.label);
        assert!(!is_verified_beginning(&stage("P2M", Start::PreviousStep, true)));
        assert!(!is_verified_beginning(&Appeal { verified: false, ..stage("P2M", Start::Notification, true) }));
        assert!(!is_verified_beginning(&Appeal { within: None, ..stage("P2M", Start::Notification, true) }));
    }
}
