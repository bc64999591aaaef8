//! `/c`: the pages for whoever holds a code on paper, without an account. Whoever opens one only sees it; what changes something is a
//! POST. They work without script, in six languages.

use std::fmt::Write as _;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use aiguilleur_directory::Directory;
use aiguilleur_domain::code::{SlipCode, parse};
use aiguilleur_domain::referral::{Outcome, Reason, ReportedBy};
use aiguilleur_storage::referrals::{self, Handoff, Held, Referral};
use chrono::{DateTime, Datelike, Utc};
use html_escape::encode_safe as safe;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};
use strum::VariantArray;

use crate::codes::{self, Wrong, guesser};
use crate::pages::{dressed, private};
use crate::problem::Problem;
use crate::request::{Form, State, segment};
use crate::routes::arrivals::name_of;
use crate::routes::referrals::report;
use crate::tongue::{Tongue, mark};

const FRAME: &str = include_str!("../pages/person.html");

/// What the person may answer, and the key of its words.
const ANSWERS: [(Outcome, &str); 4] = [
    (Outcome::Resolved, "helped-resolved"),
    (Outcome::PartiallyResolved, "helped-partially"),
    (Outcome::Unresolved, "helped-unresolved"),
    (Outcome::NotNeeded, "helped-not-needed"),
];

/// What the person may give as a reason, in this order; each has its words (`why-…`).
const WHY: [Reason; 9] = [
    Reason::CannotTravel,
    Reason::MissingDocuments,
    Reason::TemporarilyClosed,
    Reason::MovedOrClosed,
    Reason::WrongService,
    Reason::NoCapacity,
    Reason::AppointmentOnly,
    Reason::DigitalOrLanguageBarrier,
    Reason::Other,
];

pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(ask_code)
        .service(go_to_code)
        .service(ask)
        .service(answer)
        .service(your_data)
        .service(download)
        .service(sure)
        .service(erase);
}

#[derive(Deserialize)]
struct Typed {
    code: String,
}

#[derive(Deserialize)]
struct Answer {
    outcome: String,
    reason: Option<String>,
}

#[get("/c")]
async fn ask_code(request: HttpRequest) -> HttpResponse {
    let tongue = Tongue::of(&request);
    let body = format!(
        "<h1>{title}</h1><form method=\"post\" action=\"/c?lang={lang}\"><label for=\"code\">{label}</label>\
         <p class=\"hint\" id=\"code-hint\">{hint}</p>\
         <input id=\"code\" name=\"code\" class=\"code\" dir=\"ltr\" autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\" \
         maxlength=\"40\" required aria-describedby=\"code-hint\"><div><button>{go}</button></div></form>",
        title = tongue.text("code-title"),
        lang = tongue.code(),
        label = tongue.text("code-label"),
        hint = tongue.text("code-hint"),
        go = tongue.text("code-go"),
    );
    page(StatusCode::OK, tongue, "/c", &tongue.text("code-title"), &body)
}

#[post("/c")]
async fn go_to_code(request: HttpRequest, Form(typed): Form<Typed>) -> HttpResponse {
    let tongue = Tongue::of(&request);
    let Some(code) = SlipCode::parse(&typed.code) else { return no_code(tongue, &Wrong::Mistyped) };
    let mut response = HttpResponse::SeeOther();
    response.insert_header((header::LOCATION, format!("/c/{code}?lang={}", tongue.code())));
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response.finish()
}

#[get("/c/{code}")]
async fn ask(request: HttpRequest, state: State) -> Result<HttpResponse, Problem> {
    let tongue = Tongue::of(&request);
    let held = match open(&request, &state).await {
        Ok((_, held)) => held,
        Err(wrong) => return wrong_page(tongue, wrong),
    };
    let told = held.referral.outcomes.iter().rfind(|report| report.reported_by == ReportedBy::Person);
    let already = told.and_then(|report| ANSWERS.iter().find(|(outcome, _)| *outcome == report.outcome)).map(|(_, key)| {
        let said = tongue.text(key);
        format!(
            "<p class=\"notice\">{}<br>{}</p>",
            safe(&tongue.say("helped-already", &[("answer", &said)])),
            safe(&tongue.text("helped-change"))
        )
    });
    let code = &held.referral.code;
    let body = format!(
        "<h1>{}</h1><p>{}</p>{}<form method=\"post\" action=\"/c/{code}?lang={}\" class=\"answers\">{}</form>\
         <p><a href=\"/c/{code}/data?lang={}\">{}</a></p>",
        tongue.text("helped-title"),
        tongue.text("helped-intro"),
        already.unwrap_or_default(),
        tongue.code(),
        ANSWERS
            .map(|(outcome, key)| format!("<button name=\"outcome\" value=\"{}\">{}</button>", <&str>::from(outcome), tongue.text(key)))
            .concat(),
        tongue.code(),
        tongue.text("your-data"),
    );
    Ok(page(StatusCode::OK, tongue, &format!("/c/{code}"), &tongue.text("helped-title"), &body))
}

#[post("/c/{code}")]
async fn answer(request: HttpRequest, state: State, Form(form): Form<Answer>) -> Result<HttpResponse, Problem> {
    let tongue = Tongue::of(&request);
    let outcome: Option<Outcome> = parse(&form.outcome).ok().filter(|outcome| ANSWERS.iter().any(|(known, _)| known == outcome));
    let reason: Option<Reason> = form.reason.as_deref().and_then(|reason| parse(reason).ok()).filter(|reason| WHY.contains(reason));
    let (mut scope, mut held) = match open(&request, &state).await {
        Ok(opened) => opened,
        Err(wrong) => return wrong_page(tongue, wrong),
    };
    let Some(outcome) = outcome else { return Ok(wrong_answer(tongue, &held.referral.code)) };
    // A second tap tells nothing new.
    let last = held.referral.outcomes.iter().rfind(|report| report.reported_by == ReportedBy::Person);
    let is_known = last.is_some_and(|last| last.outcome == outcome && (reason.is_none() || last.reason == reason));
    if !is_known {
        report(&mut scope, &mut held, outcome, ReportedBy::Person, reason, None).await?;
        scope.commit().await?;
    }
    let (code, lang) = (&held.referral.code, tongue.code());
    let mut body =
        format!("<h1>{}</h1><p class=\"notice\" role=\"status\">{}</p>", tongue.text("helped-thanks-title"), tongue.text("helped-thanks"));
    if matches!(outcome, Outcome::Unresolved | Outcome::PartiallyResolved) {
        let _ = write!(body, "<p>{}</p>", tongue.text("helped-what-next"));
        if reason.is_none() {
            let why = WHY.map(|reason| {
                let reason: &str = reason.into();
                format!("<button name=\"reason\" value=\"{reason}\">{}</button>", tongue.text(&format!("why-{}", reason.replace('_', "-"))))
            });
            let _ = write!(
                body,
                "<h2>{}</h2><form method=\"post\" action=\"/c/{code}?lang={lang}\" class=\"answers reasons\">\
                 <input type=\"hidden\" name=\"outcome\" value=\"{}\">{}</form>",
                tongue.text("helped-why"),
                <&str>::from(outcome),
                why.concat(),
            );
        }
    }
    let _ = write!(body, "<p><a href=\"/c/{code}?lang={lang}\">{}</a></p>", tongue.text("helped-change"));
    Ok(page(StatusCode::OK, tongue, &format!("/c/{code}"), &tongue.text("helped-thanks-title"), &body))
}

#[get("/c/{code}/data")]
async fn your_data(request: HttpRequest, state: State) -> Result<HttpResponse, Problem> {
    let tongue = Tongue::of(&request);
    let held = match open(&request, &state).await {
        Ok((_, held)) => held,
        Err(wrong) => return wrong_page(tongue, wrong),
    };
    let (code, lang) = (&held.referral.code, tongue.code());
    let body = format!(
        "<h1>{}</h1><p>{}</p><div lang=\"fr\" dir=\"ltr\">{}</div>\
         <p><a class=\"button\" href=\"/c/{code}/data.json\" download=\"aiguilleur.json\">{}</a></p>\
         <p><a href=\"/c/{code}/erase?lang={lang}\">{}</a></p><p><a href=\"/c/{code}?lang={lang}\">{}</a></p>",
        tongue.text("your-data"),
        tongue.text("your-data-intro"),
        summary(&held, &state.snapshot.get()),
        tongue.text("your-data-download"),
        tongue.text("your-data-erase"),
        tongue.text("back"),
    );
    Ok(page(StatusCode::OK, tongue, &format!("/c/{code}/data"), &tongue.text("your-data"), &body))
}

#[get("/c/{code}/data.json")]
async fn download(request: HttpRequest, state: State) -> Result<HttpResponse, Problem> {
    let tongue = Tongue::of(&request);
    let held = match open(&request, &state).await {
        Ok((_, held)) => held,
        Err(wrong) => return wrong_page(tongue, wrong),
    };
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response.insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"aiguilleur.json\""));
    Ok(response.json(export(&held, &state.snapshot.get())))
}

#[get("/c/{code}/erase")]
async fn sure(request: HttpRequest, state: State) -> Result<HttpResponse, Problem> {
    let tongue = Tongue::of(&request);
    let held = match open(&request, &state).await {
        Ok((_, held)) => held,
        Err(wrong) => return wrong_page(tongue, wrong),
    };
    let (code, lang) = (&held.referral.code, tongue.code());
    let body = format!(
        "<h1>{}</h1><p class=\"notice\">{}</p><form method=\"post\" action=\"/c/{code}/erase?lang={lang}\"><button class=\"grave\">{}</button></form>\
         <p><a href=\"/c/{code}/data?lang={lang}\">{}</a></p>",
        tongue.text("your-data-erase"),
        tongue.text("your-data-erase-sure"),
        tongue.text("your-data-erase-confirm"),
        tongue.text("back"),
    );
    Ok(page(StatusCode::OK, tongue, &format!("/c/{code}/erase"), &tongue.text("your-data-erase"), &body))
}

#[post("/c/{code}/erase")]
async fn erase(request: HttpRequest, state: State) -> Result<HttpResponse, Problem> {
    let tongue = Tongue::of(&request);
    let (mut scope, held) = match open(&request, &state).await {
        Ok(opened) => opened,
        Err(wrong) => return wrong_page(tongue, wrong),
    };
    referrals::erase(&mut scope, held.referral.id).await?;
    scope.commit().await?;
    metrics::counter!("referrals_erased_total").increment(1);
    let body = format!(
        "<h1>{}</h1><p class=\"notice\" role=\"status\">{}</p>",
        tongue.text("your-data-erased-title"),
        tongue.text("your-data-erased")
    );
    Ok(page(StatusCode::OK, tongue, "/c", &tongue.text("your-data-erased-title"), &body))
}

async fn open(request: &HttpRequest, state: &State) -> Result<(aiguilleur_storage::Scoped, Held), Wrong> {
    let typed = percent_decode_str(segment(request, "code")).decode_utf8_lossy().into_owned();
    codes::open(state, guesser(state, request, None), &typed).await
}

fn wrong_page(tongue: Tongue, wrong: Wrong) -> Result<HttpResponse, Problem> {
    match wrong {
        Wrong::Away(error) => Err(error.into()),
        wrong => Ok(no_code(tongue, &wrong)),
    }
}

/// The same for a code that can't be one and for one that is nobody's.
fn no_code(tongue: Tongue, wrong: &Wrong) -> HttpResponse {
    let (status, key) = match wrong {
        Wrong::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "code-too-many"),
        _ => (StatusCode::NOT_FOUND, "code-unknown"),
    };
    let title = tongue.text(&format!("{key}-title"));
    let again = format!("<p><a class=\"button\" href=\"/c?lang={}\">{}</a></p>", tongue.code(), tongue.text("back"));
    let mut response = page(status, tongue, "/c", &title, &format!("<h1>{title}</h1><p class=\"notice\">{}</p>{again}", tongue.text(key)));
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("3600"));
    }
    response
}

fn wrong_answer(tongue: Tongue, code: &str) -> HttpResponse {
    let title = tongue.text("helped-title");
    let body = format!("<h1>{title}</h1><p><a class=\"button\" href=\"/c/{code}?lang={}\">{}</a></p>", tongue.code(), tongue.text("back"));
    page(StatusCode::UNPROCESSABLE_ENTITY, tongue, &format!("/c/{code}"), &title, &body)
}

/// A page in a language, with the way to the same in the others.
fn page(status: StatusCode, tongue: Tongue, path: &str, title: &str, body: &str) -> HttpResponse {
    let other = |one: &Tongue| {
        let (code, name, direction) = (one.code(), one.name(), one.direction());
        let current = if *one == tongue { " aria-current=\"true\"" } else { "" };
        format!("<a href=\"{path}?lang={code}\" lang=\"{code}\" hreflang=\"{code}\" dir=\"{direction}\"{current}>{name}</a>")
    };
    let tongues: Vec<String> = Tongue::VARIANTS.iter().map(other).collect();
    let html = FRAME
        .replace("{{lang}}", tongue.code())
        .replace("{{dir}}", &tongue.direction())
        .replace("{{title}}", &safe(title))
        .replace("{{tongues}}", &tongues.join(" "))
        .replace("{{privacy}}", &tongue.text("privacy-link"))
        .replace("{{body}}", body);
    let mut response = private(dressed(status, html));
    mark(response.headers_mut(), tongue);
    response
}

/// What is kept, for people: in French, as it is kept. Of what is sensitive, neither procedure nor place is named: whoever finds the slip
/// could read it.
fn summary(held: &Held, directory: &Directory) -> String {
    let it = &held.referral;
    let mut rows = String::new();
    let mut row = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = write!(rows, "<dt>{name}</dt><dd>{}</dd>", safe(value));
        }
    };
    row("Noté en", &month(it.occurred_at));
    if it.sensitive {
        row("Département", &it.departement);
        row(
            "Démarche",
            "Un sujet délicat : il n'est pas nommé ici, au cas où ce papier serait trouvé. L'organisation qui vous a orienté peut vous le dire.",
        );
    } else {
        row("Démarche", directory.catalogue.procedure(&it.procedure).map_or(&it.procedure, |procedure| &procedure.label));
        let commune = it.commune.as_deref().and_then(aiguilleur_domain::territory::CommuneCode::parse);
        let commune = commune.and_then(|code| directory.territory.resolve(&code)).map(|resolved| resolved.commune.name.clone());
        row("Commune", &commune.unwrap_or_default());
        let places: Vec<String> = it.handoffs.iter().filter_map(|one| name_of(directory, one)).collect();
        row("Lieux indiqués", &places.join(", puis "));
        row("Note", it.note.as_deref().unwrap_or_default());
    }
    let told: Vec<&str> = it.outcomes.iter().map(|report| outcome_words(report.outcome)).collect();
    row("Ce qui en a été dit", &told.join(", puis "));
    format!("<dl>{rows}</dl>")
}

fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Resolved => "réglé",
        Outcome::PartiallyResolved => "réglé en partie",
        Outcome::Unresolved => "pas réglé",
        Outcome::NotNeeded => "plus besoin",
        Outcome::Unknown => "on ne sait pas",
    }
}

fn month(instant: DateTime<Utc>) -> String {
    const MONTHS: [&str; 12] =
        ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"];
    let name = usize::try_from(instant.month0()).ok().and_then(|index| MONTHS.get(index)).unwrap_or(&"");
    format!("{name} {}", instant.year())
}

/// Everything that is kept of the person's referral, in the API's own words; of what is sensitive, what doesn't name it.
fn export(held: &Held, directory: &Directory) -> Value {
    let it: &Referral = &held.referral;
    let procedure = directory.catalogue.procedure(&it.procedure).map(|procedure| procedure.label.clone());
    let named = !it.sensitive;
    json!({
        "code": it.code,
        "sensitive": it.sensitive,
        "procedure": named.then_some(&it.procedure),
        "procedure_label": procedure.filter(|_| named),
        "commune": it.commune,
        "epci": it.epci,
        "departement": it.departement,
        "mode": it.mode,
        "status": it.status,
        "orientation_id": it.orientation_id,
        "rank": it.orientation_rank,
        "follow_ups": it.follow_ups,
        "moment": it.moment,
        "reason": it.reason,
        "help_kinds": it.help_kinds,
        "setting": it.setting,
        "repeat": it.repeat,
        "constraints": it.constraints,
        "minutes_spent": it.minutes_spent,
        "person_ref": it.person_ref,
        "note": it.note,
        "made_at_structure": it.made_at_structure,
        "occurred_at": it.occurred_at,
        "created_at": it.created_at,
        "follow_up_due_at": it.follow_up_due_at,
        "closed_at": it.closed_at,
        "attempts": it.handoffs.iter().map(|one| attempt(one, directory, named)).collect::<Vec<_>>(),
        "outcomes": it.outcomes.iter().map(|report| json!({
            "outcome": report.outcome, "reported_by": report.reported_by, "reason": report.reason, "note": report.note,
            "reported_at": report.reported_at,
        })).collect::<Vec<_>>(),
    })
}

fn attempt(one: &Handoff, directory: &Directory, named: bool) -> Value {
    let target = named.then(|| json!({"type": one.target_type, "id": one.target_id, "name": name_of(directory, one)}));
    let changes = one.events.iter().map(|event| {
        json!({
            "at": event.at, "by": event.actor, "relayed": event.relayed, "from": event.from, "to": event.to, "reason": event.reason,
            "note": event.note,
        })
    });
    json!({
        "target": target,
        "mode": one.mode,
        "status": one.status,
        "expected_on": one.expected_on,
        "reminders": one.reminders,
        "acknowledged_after_h": one.acknowledged_after_h,
        "accepted_after_h": one.accepted_after_h,
        "changes": changes.collect::<Vec<_>>(),
    })
}
