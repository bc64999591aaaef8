//! `/s`: the page behind a secret link, by which a target answers without an account. Whoever opens it only sees it: mail scanners do.

use std::fmt::Write as _;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use aiguilleur_directory::Directory;
use aiguilleur_directory::orient::ChoiceTarget;
use aiguilleur_domain::code::parse;
use aiguilleur_domain::need::{Channel, Need, Precision, Regime};
use aiguilleur_domain::privacy::{find_identifier, kept_instant};
use aiguilleur_domain::referral::{Actor, HandoffStatus, Mode, Outcome, Reason, ReportedBy, TargetType, allowed};
use aiguilleur_domain::territory::CommuneCode;
use aiguilleur_storage::handoffs::{self, Changed, Condition, Voice, Wish};
use aiguilleur_storage::links::{self, Link};
use aiguilleur_storage::referrals::{self, Handoff, Held};
use aiguilleur_storage::{Scope, Scoped, StorageError, scoped};
use chrono::{Datelike, NaiveDate, Utc};
use html_escape::encode_safe as safe;
use serde::Deserialize;

use crate::invitation::digest;
use crate::pages::{page, page_with, private};
use crate::problem::Problem;
use crate::request::{Form, State, day_of, segment};
use crate::routes::arrivals::name_of;
use crate::routes::handoffs::{MAX_WORDS, target_link};
use crate::routes::referrals::{find_target, report};
use crate::texts::{Language, date};

/// Places offered for sending the person on.
const OFFERED: usize = 5;

pub fn configure(config: &mut web::ServiceConfig) {
    config.service(renew).service(see).service(act);
}

/// One of these at a time: what becomes of the attempt, where the person is sent on to, or what became of the need.
#[derive(Debug, Deserialize)]
struct Reply {
    /// The referral's version as the page showed it.
    version: i32,
    to: Option<String>,
    reason: Option<String>,
    note: Option<String>,
    expected_on: Option<String>,
    /// `structure:<id>` or `institution:<slug>`.
    onward: Option<String>,
    outcome: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Old {
    token: String,
}

#[get("/s/{token}")]
async fn see(request: HttpRequest, state: State) -> Result<HttpResponse, Problem> {
    let token = segment(&request, "token");
    match open(&state, token).await? {
        Opened::Nothing => Ok(no_such_link(token)),
        Opened::Good(opened) => Ok(show(&state, &opened.1, &opened.2, token, None)),
    }
}

#[post("/s/{token}")]
async fn act(request: HttpRequest, state: State, Form(reply): Form<Reply>) -> Result<HttpResponse, Problem> {
    let token = segment(&request, "token");
    let Opened::Good(opened) = open(&state, token).await? else { return Ok(no_such_link(token)) };
    let (mut scope, mut held, link) = *opened;
    let done = match Deed::of(&reply, &state.snapshot.get(), day_of(Utc::now())) {
        Ok(deed) => perform(&mut scope, &mut held, &link, deed, reply.version).await?,
        Err(wrong) => Err(wrong.to_owned()),
    };
    match done {
        Ok(()) => {
            scope.commit().await?;
            let mut response = HttpResponse::SeeOther();
            response.insert_header((header::LOCATION, format!("/s/{token}")));
            response.insert_header((header::CACHE_CONTROL, "no-store"));
            Ok(response.finish())
        }
        Err(why) => {
            let mut page = show(&state, &held, &link, token, Some(&why));
            *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(page)
        }
    }
}

/// Says the same whatever it is given: nobody learns from it which links there were.
#[post("/s/renewals")]
async fn renew(request: HttpRequest, state: State, Form(old): Form<Old>) -> Result<HttpResponse, Problem> {
    state.limits.count_mail(&request, &digest(&old.token))?;
    actix_web::rt::spawn(async move {
        if let Err(problem) = renew_link(&state, &old.token).await {
            tracing::warn!(kind = problem.kind().slug(), "a link could not be renewed");
        }
    });
    let body = "<h1>Demande prise en compte</h1><p class=\"notice\" role=\"status\">Si ce lien a été donné ici et que quelqu'un attend encore une \
                réponse, l'organisation qui a orienté la personne voit que vous en demandez un autre, et il vous est envoyé à l'adresse publique \
                de votre lieu, si elle est connue et si cette installation envoie des courriels.</p>\
                <p>Rien n'arrive ? Avec le code du papier, tout agent connecté peut répondre à votre place.</p>";
    Ok(private(page("Demande prise en compte", body)))
}

async fn renew_link(state: &State, token: &str) -> Result<(), Problem> {
    let digest = digest(token);
    let mut scope = scoped(&state.database, Scope::Bearer(&digest)).await?;
    let Some(link) = links::find(&mut scope, &digest).await? else { return Ok(()) };
    scope.enter(Scope::Organisation(link.organisation_id)).await?;
    let Some(held) = referrals::hold(&mut scope, link.referral_id).await? else { return Ok(()) };
    let Some(handoff) = held.referral.handoffs.iter().find(|one| one.id == link.handoff_id && one.status.is_open()) else { return Ok(()) };
    links::ask_renewal(&mut scope, &digest).await?;
    let address = match handoff.target_type {
        TargetType::Structure => handoff.target_id.parse().ok().and_then(|id| state.snapshot.get().structure(id)?.structure.email.clone()),
        _ => None,
    };
    // Of what is sensitive nothing is sent: a mailbox is often shared.
    let Some(address) = address.filter(|_| state.post.mailer.is_some() && !held.referral.sensitive) else {
        return Ok(scope.commit().await?);
    };
    let (new, kept) = target_link(&held, handoff.id, Utc::now());
    links::add(&mut scope, &kept).await?;
    scope.commit().await?;
    Ok(state.post.send_target_link(&address, &format!("{}/s/{new}", state.site.url)).await?)
}

enum Opened {
    Nothing,
    /// In the scope of the referral's organisation.
    Good(Box<(Scoped, Held, Link)>),
}

async fn open(state: &State, token: &str) -> Result<Opened, StorageError> {
    let digest = digest(token);
    let mut scope = scoped(&state.database, Scope::Bearer(&digest)).await?;
    let Some(link) = links::find(&mut scope, &digest).await?.filter(|link| Utc::now() < link.expires_at) else {
        return Ok(Opened::Nothing);
    };
    scope.enter(Scope::Organisation(link.organisation_id)).await?;
    Ok(match referrals::hold(&mut scope, link.referral_id).await? {
        Some(held) => Opened::Good(Box::new((scope, held, link))),
        None => Opened::Nothing,
    })
}

/// What the target does.
enum Deed {
    Change(HandoffStatus, Wish),
    SendOn(handoffs::Target, Wish),
    Report(Outcome, Option<Reason>),
}

impl Deed {
    fn of(reply: &Reply, directory: &Directory, today: NaiveDate) -> Result<Self, &'static str> {
        let reason = reply.reason.as_deref().filter(|reason| !reason.is_empty());
        let reason: Option<Reason> = reason.map(parse).transpose().map_err(|_| "Choisissez une raison dans la liste.")?;
        if reason == Some(Reason::Superseded) {
            return Err("Choisissez une raison dans la liste.");
        }
        let note = reply.note.as_deref().map(str::trim).filter(|note| !note.is_empty()).map(str::to_owned);
        if note.as_ref().is_some_and(|note| note.chars().count() > MAX_WORDS || note.contains('\0')) {
            return Err("La précision peut avoir 280 caractères au plus.");
        }
        if note.as_deref().is_some_and(|note| find_identifier(note).is_some()) {
            return Err(
                "La précision semble contenir un numéro ou une adresse qui désigne la personne : retirez-le, le service ne garde rien de tel.",
            );
        }
        // Words go with « other » alone.
        let note = note.filter(|_| reason == Some(Reason::Other));
        if let Some(onward) = reply.onward.as_deref().filter(|onward| !onward.is_empty()) {
            let (kind, id) = onward.split_once(':').ok_or("Choisissez un lieu dans la liste.")?;
            let target = parse(kind).ok().and_then(|kind: TargetType| find_target(directory, kind, id));
            let target = target.ok_or("Ce lieu n'est plus dans l'annuaire : choisissez-en un autre.")?;
            return Ok(Self::SendOn(target, Wish { reason, note, ..Wish::default() }));
        }
        if let Some(outcome) = reply.outcome.as_deref().filter(|outcome| !outcome.is_empty()) {
            let outcome = parse(outcome).map_err(|_| "Choisissez une issue dans la liste.")?;
            return Ok(Self::Report(outcome, reason));
        }
        let to: HandoffStatus = reply.to.as_deref().and_then(|to| parse(to).ok()).ok_or("Choisissez une réponse.")?;
        if to.wants_reason() && reason.is_none() {
            return Err("Dites pourquoi, en choisissant une raison dans la liste.");
        }
        let expected_on = reply.expected_on.as_deref().filter(|day| !day.is_empty() && to == HandoffStatus::Waitlisted);
        let expected_on = expected_on.map(str::parse).transpose().map_err(|_| "La date attendue est un jour, comme 2026-11-23.")?;
        if expected_on.is_some_and(|day: NaiveDate| day < today || day.year() > today.year() + 2) {
            return Err("La date attendue est à venir, dans les deux ans.");
        }
        Ok(Self::Change(to, Wish { reason, note, expected_on, ..Wish::default() }))
    }
}

async fn perform(scope: &mut Scoped, held: &mut Held, link: &Link, deed: Deed, version: i32) -> Result<Result<(), String>, Problem> {
    let now = Utc::now();
    let voice = Voice::Own(Actor::Target);
    let seen = |wish| Wish { condition: Condition::Versions(vec![version]), ..wish };
    let changed = match deed {
        Deed::Change(to, wish) => handoffs::change(scope, held, link.handoff_id, to, voice, &seen(wish), now).await?,
        Deed::SendOn(target, wish) => {
            let kept = kept_instant(held.referral.sensitive, now);
            let new = Handoff::born(target, Mode::Information, HandoffStatus::Given, Actor::Target, kept);
            handoffs::add(scope, held, new, Some((link.handoff_id, voice)), &seen(wish), now).await?
        }
        Deed::Report(outcome, reason) => {
            report(scope, held, outcome, ReportedBy::Target, reason, None).await?;
            Changed::Done
        }
    };
    Ok(match changed {
        Changed::Done | Changed::Already => Ok(()),
        Changed::Stale => Err("Quelqu'un d'autre a répondu entre-temps : voici où cela en est. Rien n'a été changé par vous.".to_owned()),
        _ => Err("Cette réponse n'est plus possible : voici où cela en est.".to_owned()),
    })
}

fn no_such_link(token: &str) -> HttpResponse {
    // Only what a link can be is written into the page.
    let token: String = token.chars().filter(char::is_ascii_hexdigit).take(64).collect();
    let body = format!(
        "<h1>Ce lien ne sert plus</h1><p class=\"notice\">Il a expiré au bout de 7 jours, il a été remplacé, ou il est incomplet.</p>\
         <form method=\"post\" action=\"/s/renewals\"><input type=\"hidden\" name=\"token\" value=\"{token}\">\
         <button>Demander un autre lien</button></form>"
    );
    private(page_with(StatusCode::NOT_FOUND, "Ce lien ne sert plus", &body))
}

fn show(state: &State, held: &Held, link: &Link, token: &str, wrong: Option<&str>) -> HttpResponse {
    let directory = state.snapshot.get();
    let it = &held.referral;
    let Some(own) = it.handoffs.iter().find(|one| one.id == link.handoff_id) else { return no_such_link(token) };
    let procedure = directory.catalogue.procedure(&it.procedure);
    let label = procedure.map_or(it.procedure.as_str(), |procedure| &procedure.label);
    let mut body = String::from("<h1>Une personne vous est adressée</h1>");
    if let Some(wrong) = wrong {
        let _ = write!(body, "<p class=\"notice\" role=\"alert\">{}</p>", safe(wrong));
    }
    let name = name_of(&directory, own).unwrap_or_default();
    let _ = write!(
        body,
        "<dl><dt>Démarche</dt><dd>{}</dd><dt>Adressée à</dt><dd>{}</dd><dt>Où cela en est</dt><dd>{}</dd>{}</dl>",
        safe(label),
        safe(&name),
        status_words(own.status),
        own.expected_on.map(|day| format!("<dt>Place attendue</dt><dd>{}</dd>", date(Language::Fr, day))).unwrap_or_default(),
    );
    let documents: Vec<String> =
        procedure.into_iter().flat_map(|one| &one.documents).map(|one| format!("<li>{}</li>", safe(one))).collect();
    let documents = documents.concat();
    if !documents.is_empty() {
        let _ = write!(body, "<h2>Les papiers à apporter</h2><ul>{documents}</ul>");
    }
    let steps: Vec<String> = it.handoffs.iter().filter(|one| one.id != own.id).map(|one| step(&directory, one)).collect();
    if !steps.is_empty() {
        let _ = write!(body, "<h2>Ce qui a été essayé</h2><ul>{}</ul>", steps.concat());
    }
    body += "<p>Le service ne connaît ni le nom ni les coordonnées de la personne : elle se présentera avec un code.</p>";
    let may = allowed(own.status, &[Actor::Target]);
    body += &forms(&may, held, own, &directory, token);
    private(page("Une personne vous est adressée", &body))
}

fn step(directory: &Directory, one: &Handoff) -> String {
    let name = name_of(directory, one).unwrap_or_else(|| "un lieu qui n'est plus dans l'annuaire".to_owned());
    let why = one.events.last().and_then(|event| event.reason).map(|reason| format!(" ({})", reason_words(reason))).unwrap_or_default();
    format!("<li>{} : {}{why}</li>", safe(&name), status_words(one.status))
}

fn forms(may: &[HandoffStatus], held: &Held, own: &Handoff, directory: &Directory, token: &str) -> String {
    let version = held.referral.version;
    let open = format!("<form method=\"post\" action=\"/s/{}\"><input type=\"hidden\" name=\"version\" value=\"{version}\">", safe(token));
    let mut html = String::from("<h2>Votre réponse</h2>");
    // The furthest along comes first, and shows most.
    let plain: Vec<String> = may
        .iter()
        .rev()
        .filter_map(|to| Some((to, button(*to)?)))
        .zip(std::iter::once(" class=\"main\"").chain(std::iter::repeat("")))
        .map(|((to, words), class)| format!("<button name=\"to\" value=\"{}\"{class}>{words}</button>", <&str>::from(*to)))
        .collect();
    let plain = plain.concat();
    if may.is_empty() {
        html += "<p>Il n'y a plus rien à répondre ici.</p>";
    } else {
        let _ = write!(html, "{open}<div class=\"answers\">{plain}</div></form>");
    }
    if may.contains(&HandoffStatus::Waitlisted) {
        let _ = write!(
            html,
            "<details><summary>Mettre en liste d'attente</summary>{open}<input type=\"hidden\" name=\"to\" value=\"waitlisted\">\
             <label for=\"expected_on\">Place attendue le (si vous le savez)</label><input id=\"expected_on\" name=\"expected_on\" type=\"date\">\
             <div><button>Mettre en liste d'attente</button></div></form></details>"
        );
    }
    for (to, summary) in
        [(HandoffStatus::Declined, "Je ne peux pas recevoir cette personne"), (HandoffStatus::Failed, "Cela n'a pas abouti")]
    {
        if may.contains(&to) {
            let code: &str = to.into();
            let _ = write!(
                html,
                "<details><summary>{summary}</summary>{open}<input type=\"hidden\" name=\"to\" value=\"{code}\">{}\
                 <label for=\"note-{code}\">Précision (si « autre raison » ; rien qui désigne la personne)</label>\
                 <input id=\"note-{code}\" name=\"note\" maxlength=\"280\"><div><button>Envoyer</button></div></form></details>",
                reasons(code)
            );
        }
    }
    let places = if may.contains(&HandoffStatus::Redirected) { onward(held, own, directory) } else { String::new() };
    if !places.is_empty() {
        let _ = write!(
            html,
            "<details><summary>L'adresser ailleurs</summary>{open}<fieldset><legend>Où ?</legend>{places}</fieldset>{}\
             <div><button>Adresser ailleurs</button></div></form></details>",
            reasons("onward")
        );
    }
    let _ = write!(
        html,
        "<details><summary>Dire ce qu'il en est du besoin</summary>{open}<div class=\"answers\">\
         <button name=\"outcome\" value=\"resolved\">C'est réglé</button><button name=\"outcome\" value=\"partially_resolved\">En partie</button>\
         <button name=\"outcome\" value=\"unresolved\">Ce n'est pas réglé</button></div></form></details>"
    );
    html
}

/// What a state is called on its button; `None` where more has to be said.
fn button(to: HandoffStatus) -> Option<&'static str> {
    match to {
        HandoffStatus::Acknowledged => Some("La personne est venue"),
        HandoffStatus::UnderReview => Some("Nous regardons sa demande"),
        HandoffStatus::Accepted => Some("Nous la recevons"),
        HandoffStatus::InProgress => Some("C'est en cours"),
        HandoffStatus::Completed => Some("C'est fait, de notre côté"),
        _ => None,
    }
}

fn reasons(id: &str) -> String {
    let given = aiguilleur_domain::code::all::<Reason>().into_iter().filter_map(|code| parse::<Reason>(code).ok());
    let options: Vec<String> = given
        .filter(|reason| *reason != Reason::Superseded)
        .map(|reason| format!("<option value=\"{}\">{}</option>", <&str>::from(reason), reason_words(reason)))
        .collect();
    format!(
        "<label for=\"reason-{id}\">Pourquoi ?</label><select id=\"reason-{id}\" name=\"reason\" required><option value=\"\">Choisissez</option>{}</select>",
        options.concat()
    )
}

/// Where else the person could go: what a question would answer, without this place; else the body in charge.
fn onward(held: &Held, own: &Handoff, directory: &Directory) -> String {
    let it = &held.referral;
    let mut choices = String::new();
    let mut choice = |value: String, name: &str| {
        let _ = write!(choices, "<label><input type=\"radio\" name=\"onward\" value=\"{}\" required> {}</label>", safe(&value), safe(name));
    };
    if let Some(need) = need(it, directory) {
        for option in directory.orient(&need).map(|answer| answer.options).unwrap_or_default() {
            if let ChoiceTarget::Structure(door) = &option.target
                && let entry = door.entry
                && entry.structure.id.to_string() != own.target_id
            {
                choice(format!("structure:{}", entry.structure.id), &entry.structure.name);
            }
        }
    }
    let institution = directory.catalogue.procedure(&it.procedure).and_then(|one| directory.catalogue.institution(&one.institution));
    if let Some(institution) = institution.filter(|one| one.slug != own.target_id) {
        choice(format!("institution:{}", institution.slug), &institution.label);
    }
    choices
}

fn need(it: &referrals::Referral, directory: &Directory) -> Option<Need> {
    let code = CommuneCode::parse(it.commune.as_deref()?)?;
    let commune = directory.territory.resolve(&code)?.commune;
    Some(Need {
        procedure: Some(it.procedure.clone()),
        danger: None,
        commune: commune.code,
        location: commune.centre?,
        precision: Precision::Commune,
        residence: commune.code,
        event_commune: None,
        at: Utc::now(),
        max_distance_m: None,
        kinds: Vec::new(),
        help_kind: None,
        channel: Channel::InPerson,
        drop_in: false,
        language: None,
        wheelchair: false,
        regime: Regime::General,
        experience: None,
        limit: OFFERED,
    })
}

/// A state, in words.
fn status_words(status: HandoffStatus) -> &'static str {
    match status {
        HandoffStatus::Given => "adresse donnée",
        HandoffStatus::Sent => "en attente de votre réponse",
        HandoffStatus::Acknowledged => "la personne est venue, ou sa demande est reçue",
        HandoffStatus::UnderReview => "demande examinée",
        HandoffStatus::Accepted => "acceptée",
        HandoffStatus::Waitlisted => "en liste d'attente",
        HandoffStatus::InProgress => "en cours",
        HandoffStatus::Completed => "terminée",
        HandoffStatus::Declined => "déclinée",
        HandoffStatus::Redirected => "adressée ailleurs",
        HandoffStatus::Failed => "n'a pas abouti",
        HandoffStatus::Cancelled => "annulée",
        HandoffStatus::Expired => "restée sans suite",
    }
}

fn reason_words(reason: Reason) -> &'static str {
    match reason {
        Reason::NotReachable => "personne injoignable",
        Reason::NoShow => "n'est pas venue",
        Reason::NotInterested => "ne le souhaite pas",
        Reason::SolvedElsewhere => "réglé ailleurs",
        Reason::CannotTravel => "ne peut pas se déplacer",
        Reason::MissingDocuments => "il manque des papiers",
        Reason::DigitalOrLanguageBarrier => "difficulté avec le numérique ou la langue",
        Reason::NotEligible => "n'y a pas droit",
        Reason::OutOfArea => "hors du territoire",
        Reason::WrongService => "ce n'est pas le bon service",
        Reason::AppointmentOnly => "sur rendez-vous seulement",
        Reason::NoCapacity => "plus de place",
        Reason::WaitlistTooLong => "attente trop longue",
        Reason::TemporarilyClosed => "fermé pour le moment",
        Reason::ContactWrong => "coordonnées fausses dans l'annuaire",
        Reason::HoursWrong => "horaires faux dans l'annuaire",
        Reason::MovedOrClosed => "lieu déménagé ou fermé pour de bon",
        Reason::ProcedureNotOffered => "démarche non proposée ici",
        Reason::AdministrationNoReply => "l'administration ne répond pas",
        Reason::ApplicationRefused => "demande refusée par l'administration",
        Reason::TechnicalOutage => "panne du service en ligne",
        Reason::Duplicate => "doublon",
        Reason::Superseded => "un autre lieu s'en occupe",
        Reason::WithdrawnConsent => "la personne ne veut plus",
        Reason::Other => "autre raison",
    }
}
