use std::collections::{BTreeMap, BTreeSet};

use aiguilleur_domain::referral::{Actor, Constraint, HandoffStatus, Mode, Moment, Reason, Repeat, TargetType};
use aiguilleur_domain::structure::HelpKind;
use aiguilleur_storage::handoffs::Target;
use aiguilleur_storage::organisations::Organisations;
use aiguilleur_storage::referrals::{self, Entry, Handoff, Recorded, Referral};
use aiguilleur_storage::{Database, Scoped};
use aiguilleur_testkit::{App, TestDatabase};
use chrono::{DateTime, Duration, Utc};
use microlp::{ComparisonOp, Error, LinearExpr, OptimizationDirection, Problem};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{RENNES, number, refer, report, storage, text};

const GROUPINGS: [&str; 14] = [
    "target_kind",
    "institution",
    "procedure",
    "commune",
    "epci",
    "departement",
    "origin_kind",
    "origin_structure",
    "help_kind",
    "moment",
    "constraint",
    "reason",
    "repeat",
    "month",
];

/// The published survey (Askoria / Hub Bretagne / `LabAccès`, 2023): of 148 mediators, how many send people there, and the percentage told.
const SURVEY: [(&str, usize, f64); 8] = [
    ("france-services", 101, 68.2),
    ("institution", 92, 62.2),
    ("ccas-cias", 56, 37.8),
    ("mairie", 39, 26.4),
    ("pimms-mediation", 30, 20.3),
    ("association", 29, 19.6),
    ("delegue-defenseur-des-droits", 7, 4.7),
    ("ecrivain-public", 7, 4.7),
];
const MEDIATORS: usize = 148;

/// Communes with their intercommunality, all of Ille-et-Vilaine.
const COMMUNES: [(&str, &str); 4] = [(RENNES, "243500139"), ("35051", "243500139"), ("35288", "243500782"), ("35115", "200072452")];
/// Procedures with their institution.
const PROCEDURES: [(&str, &str); 4] = [("rsa", "caf"), ("aide-logement", "caf"), ("prime-activite", "caf"), ("ameli-compte", "cpam")];

fn target(kind: &str, number: usize) -> Target {
    // The body in charge: by telephone or online, or at its own desk.
    match kind {
        "institution" if number.is_multiple_of(2) => {
            Target { r#type: TargetType::Institution, id: "caf".to_owned(), kind: kind.to_owned() }
        }
        "institution" => Target { r#type: TargetType::Structure, id: Uuid::from_u128(1).to_string(), kind: "guichet".to_owned() },
        kind => Target { r#type: TargetType::Structure, id: Uuid::from_u128(2).to_string(), kind: kind.to_owned() },
    }
}

/// A referral by an agent, of which the number decides the rest.
fn entry(organisation: Uuid, agent: usize, kind: &str, number: usize, at: DateTime<Utc>) -> Entry {
    let (commune, epci) = COMMUNES[[0, 0, 0, 1, 1, 2, 0, 3][number % 8]];
    let handoff = Handoff::born(target(kind, number), Mode::Information, HandoffStatus::Given, Actor::Mediator, at);
    let referral = Referral {
        id: Uuid::new_v4(),
        code: referrals::new_code().to_string(),
        procedure: PROCEDURES[[0, 0, 1, 0, 3, 0, 1, 2, 0][number % 9]].0.to_owned(),
        sensitive: false,
        commune: Some(commune.to_owned()),
        epci: Some(epci.to_owned()),
        departement: "35".to_owned(),
        mode: Mode::Information,
        status: handoff.status,
        orientation_id: None,
        orientation_rank: None,
        moment: [Some(Moment::Reception), Some(Moment::DuringMediation), None][number % 3],
        reason: (number.is_multiple_of(20)).then_some(Reason::NoCapacity),
        help_kinds: if number.is_multiple_of(2) { vec![HelpKind::Form, HelpKind::Account] } else { vec![HelpKind::Explain] },
        setting: None,
        repeat: [Some(Repeat::Same), Some(Repeat::None)][number % 2],
        constraints: if number.is_multiple_of(25) { vec![Constraint::Distance] } else { vec![] },
        minutes_spent: Some(i16::try_from(5 + number % 7).unwrap()),
        person_ref: None,
        note: None,
        made_at_structure: None,
        occurred_at: at,
        created_at: at,
        follow_up_due_at: None,
        follow_ups: 0,
        closed_at: None,
        version: 1,
        handoffs: vec![handoff],
        outcomes: vec![],
    };
    Entry { organisation, subject: format!("agent-{agent}"), referral, key: None }
}

async fn record(pool: &Database, entries: &[Entry]) {
    let mut transaction = Scoped::open(pool).await.unwrap();
    let recorded = referrals::record(&mut transaction, &entries.iter().collect::<Vec<_>>()).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(recorded.iter().all(|one| *one == Recorded::Created));
}

/// The survey, answered by the agents of one organisation in 2026. Every agent has at least one.
async fn survey(database: &TestDatabase) -> Vec<Entry> {
    let pool = storage(database);
    let hub = Organisations::of(pool.clone()).ensure("hub").await.unwrap();
    let mut entries = Vec::new();
    for (kind, mediators, _) in SURVEY {
        for position in 0..mediators {
            // The first two kinds have 193 answers between them: the second begins where the first leaves gaps.
            let agent = if kind == "institution" { MEDIATORS - 1 - position } else { position };
            let at = "2026-01-05T10:00:00Z".parse::<DateTime<Utc>>().unwrap() + Duration::days(i64::try_from(entries.len() % 200).unwrap());
            entries.push(entry(hub, agent, kind, entries.len(), at));
        }
    }
    record(&pool, &entries).await;
    // Some arrived, and some told what became of their need.
    database
        .sql(
            "INSERT INTO handoff_event SELECT gen_random_uuid(), id, referral_id, organisation_id, created_at, 'agent', 'given', 'acknowledged', \
             NULL, NULL, 2, false FROM handoff WHERE extract(day FROM created_at)::int % 3 = 0; \
             UPDATE handoff SET status = 'acknowledged', acknowledged_after_h = 5 WHERE extract(day FROM created_at)::int % 3 = 0; \
             INSERT INTO outcome SELECT gen_random_uuid(), id, organisation_id, CASE WHEN minutes_spent > 8 THEN 'resolved' ELSE 'unresolved' END, \
             'person', NULL, NULL, occurred_at, 1 FROM referral WHERE minutes_spent > 6",
        )
        .await;
    entries
}

async fn figures(app: &App, token: Option<&str>, query: &str) -> Value {
    let path = format!("/v1/stats/referrals?{query}");
    let answer = match token {
        Some(token) => app.get_as(&path, token).await,
        None => app.get(&path).await,
    };
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    assert!(!answer.text.contains("created_by") && !answer.text.contains("agent-"), "{query}: {}", answer.text);
    answer.json()
}

fn row<'f>(figures: &'f Value, key: &str) -> &'f Value {
    figures["items"].as_array().unwrap().iter().find(|item| item["key"] == key).unwrap_or_else(|| panic!("{key}: {figures}"))
}

/// What is told of a row, as counts: the referrals, and what the rates make of them.
const MEASURES: [&str; 8] = ["referrals", "mediators", "acknowledged", "accepted", "known", "resolved", "doors", "minutes"];
const REFERRALS: usize = 0;
const AGENTS: usize = 1;
const ACKNOWLEDGED: usize = 2;
const ACCEPTED: usize = 3;
const KNOWN: usize = 4;
const RESOLVED: usize = 5;
const DOORS: usize = 6;

/// Variables with their sign, and what they come to.
type Constrained = (Vec<(usize, f64)>, ComparisonOp, f64);

/// All that a reader of every published table knows, as equations: each count is a variable, of which some are told.
#[derive(Default)]
struct Attack {
    bounds: Vec<(f64, f64)>,
    constraints: Vec<Constrained>,
    /// By table, then by key, a variable per measure.
    rows: BTreeMap<String, BTreeMap<Option<String>, [usize; 8]>>,
    totals: Option<[usize; 8]>,
}

impl Attack {
    fn variable(&mut self, told: Option<f64>, least: f64) -> usize {
        self.bounds.push(told.map_or((least, 1e6), |told| (told, told)));
        self.bounds.len() - 1
    }

    fn at_most(&mut self, small: usize, large: usize) {
        self.constraints.push((vec![(small, 1.0), (large, -1.0)], ComparisonOp::Le, 0.0));
    }

    fn sum(&mut self, parts: Vec<usize>, operation: ComparisonOp, whole: usize) {
        let terms = parts.into_iter().map(|part| (part, 1.0)).chain([(whole, -1.0)]).collect();
        self.constraints.push((terms, operation, 0.0));
    }

    fn read(&mut self, grouping: &str, table: &Value) {
        let total = self.totals.unwrap_or_else(|| {
            let told = |name: &str| table["total"][name].as_f64();
            std::array::from_fn(|measure| match measure {
                REFERRALS => self.variable(told("referrals"), 0.0),
                AGENTS => self.variable(told("mediators"), 0.0),
                _ => self.variable(None, 0.0),
            })
        });
        self.totals = Some(total);
        for item in table["items"].as_array().unwrap() {
            let referrals = item["referrals"].as_f64();
            // Rates have one decimal of few referrals: they tell the very count.
            let of = |rate: &str, whole: Option<f64>| Some((item[rate].as_f64()? * whole? / 100.0).round());
            let known = of("known_outcome_rate_pct", referrals);
            let told = [
                referrals,
                item["mediators"].as_f64(),
                of("acknowledged_rate_pct", referrals),
                of("accepted_rate_pct", referrals),
                known,
                of("resolved_rate_pct", known),
                item["doors_per_need"].as_f64().zip(referrals).map(|(doors, referrals)| (doors * referrals).round()),
                item["minutes_spent"].as_f64(),
            ];
            let row: [usize; 8] = std::array::from_fn(|measure| self.variable(told[measure], f64::from(u8::from(measure < 2))));
            for (small, large) in [
                (AGENTS, REFERRALS),
                (ACKNOWLEDGED, REFERRALS),
                (ACCEPTED, ACKNOWLEDGED),
                (KNOWN, REFERRALS),
                (RESOLVED, KNOWN),
                (REFERRALS, DOORS),
            ] {
                self.at_most(row[small], row[large]);
            }
            self.at_most(row[AGENTS], total[AGENTS]);
            let key = item["key"].as_str().map(str::to_owned);
            self.rows.entry(grouping.to_owned()).or_default().insert(key, row);
        }
        let rows: Vec<[usize; 8]> = self.rows.get(grouping).map(|rows| rows.values().copied().collect()).unwrap_or_default();
        let is_partition = !["help_kind", "constraint"].contains(&grouping);
        for measure in 0..MEASURES.len() {
            let operation = if is_partition && measure != AGENTS { ComparisonOp::Eq } else { ComparisonOp::Ge };
            self.sum(rows.iter().map(|row| row[measure]).collect(), operation, total[measure]);
        }
    }

    /// The rows of a finer table are the parts of those of a coarser one.
    fn nest(&mut self, fine: &str, coarse: &str, within: &[(&str, &str)]) {
        for (group, whole) in self.rows[coarse].clone() {
            let own = self.rows[fine]
                .iter()
                .filter(|(key, _)| within.iter().any(|(part, of)| key.as_deref() == Some(part) && group.as_deref() == Some(of)));
            let own: Vec<[usize; 8]> = own.map(|(_, row)| *row).collect();
            for measure in (0..MEASURES.len()).filter(|measure| *measure != AGENTS) {
                self.sum(own.iter().map(|row| row[measure]).collect(), ComparisonOp::Eq, whole[measure]);
            }
        }
    }

    /// The most that a count could be, minus the least.
    fn width(&self, cell: usize) -> f64 {
        let extreme = |direction| {
            let mut problem = Problem::new(direction);
            let objective = |variable: usize| if variable == cell { 1.0 } else { 0.0 };
            let variables: Vec<_> =
                self.bounds.iter().enumerate().map(|(number, bounds)| problem.add_var(objective(number), *bounds)).collect();
            for (terms, operation, known) in self.constraints.iter().filter(|(terms, ..)| !terms.is_empty()) {
                let mut sum = LinearExpr::empty();
                for (variable, sign) in terms {
                    sum.add(variables[*variable], *sign);
                }
                problem.add_constraint(sum, *operation, *known);
            }
            match problem.solve() {
                Ok(outcome) => outcome.into_solution().unwrap().objective(),
                Err(Error::Unbounded) => f64::INFINITY,
                Err(error) => panic!("what is published contradicts itself: {error}"),
            }
        };
        extreme(OptimizationDirection::Maximize) - extreme(OptimizationDirection::Minimize)
    }
}

#[tokio::test]
async fn the_survey_is_given_back_whole_to_its_own() {
    let (app, database) = App::national().await;
    survey(&database).await;
    let token = app.token("mediator", "agent-1", "hub");
    let own = figures(&app, Some(&token), "group_by=target_kind&scope=own").await;
    assert_eq!((&own["total"]["mediators"], &own["total"]["referrals"]), (&json!(148), &json!(361)));
    for (kind, mediators, percent) in SURVEY {
        let row = row(&own, kind);
        assert_eq!((&row["mediators"], &row["share_of_mediators_pct"]), (&json!(mediators), &json!(percent)), "{row}");
    }
    assert_eq!(own["items"].as_array().unwrap().len(), SURVEY.len());
    assert_eq!(figures(&app, Some(&token), "group_by=target_kind").await, own, "own by default");
}

#[tokio::test]
async fn the_two_cells_of_seven_are_hidden_and_cannot_be_computed_back() {
    let (app, database) = App::national().await;
    let entries = survey(&database).await;
    let published = figures(&app, None, "group_by=target_kind&scope=published").await;
    assert_eq!((&published["total"]["mediators"], &published["total"]["referrals"]), (&json!(148), &json!(361)));
    for (kind, mediators, percent) in SURVEY {
        let row = row(&published, kind);
        let (count, share) = if mediators < 11 { (Value::Null, Value::Null) } else { (json!(mediators), json!(percent)) };
        assert_eq!((&row["referrals"], &row["mediators"], &row["share_of_mediators_pct"]), (&count, &count, &share), "{row}");
        let has_numbers = row.as_object().unwrap().iter().any(|(name, value)| value.is_number() && name != "unmet_questions");
        assert_eq!(has_numbers, mediators >= 11, "{row}");
    }

    let mut attack = Attack::default();
    let mut hidden = 0;
    for grouping in GROUPINGS {
        let table = figures(&app, None, &format!("group_by={grouping}&scope=published")).await;
        assert_eq!(table["total"]["referrals"], published["total"]["referrals"], "{grouping}");
        hidden += table["items"].as_array().unwrap().iter().filter(|row| row["referrals"].is_null()).count();
        attack.read(grouping, &table);
    }
    attack.nest("commune", "epci", &COMMUNES);
    attack.nest("procedure", "institution", &PROCEDURES);
    let departements: Vec<(&str, &str)> = COMMUNES.iter().map(|(_, epci)| (*epci, "35")).collect();
    attack.nest("epci", "departement", &departements);
    assert!(hidden >= 2, "{hidden}");
    for kind in ["delegue-defenseur-des-droits", "ecrivain-public"] {
        let cells = attack.rows["target_kind"][&Some(kind.to_owned())];
        for measure in [REFERRALS, AGENTS] {
            let width = attack.width(cells[measure]);
            assert!(width >= 1.0, "{kind}: the {} are told to within {width}", MEASURES[measure]);
        }
    }
    // Nor is any other cell that is hidden, in any table.
    for (table, rows) in &attack.rows {
        for (key, cells) in rows {
            let (least, most) = attack.bounds[cells[REFERRALS]];
            assert!(most - least < 0.5 || attack.width(cells[REFERRALS]) >= 1.0, "{table} {key:?}");
        }
    }
    // And the attack is one: what shows, it finds.
    assert!(attack.width(attack.rows["target_kind"][&Some("mairie".to_owned())][REFERRALS]) < 0.5);
    let minutes: i64 = entries.iter().map(|entry| i64::from(entry.referral.minutes_spent.unwrap())).sum();
    assert!(minutes > 361);
}

#[tokio::test]
async fn a_cell_that_could_be_subtracted_is_hidden_too() {
    let (app, database) = App::national().await;
    let pool = storage(&database);
    let hub = Organisations::of(pool.clone()).ensure("hub").await.unwrap();
    let at = "2026-03-02T10:00:00Z".parse().unwrap();
    let of = |kind, count| (0..count).map(move |number| entry(hub, number, kind, number, at));
    record(&pool, &of("mairie", 40).chain(of("ccas-cias", 20)).chain(of("association", 3)).collect::<Vec<_>>()).await;
    let published = figures(&app, None, "group_by=target_kind&scope=published").await;
    let told: Vec<&Value> = published["items"].as_array().unwrap().iter().map(|row| &row["referrals"]).collect();
    assert_eq!(told, [&Value::Null, &Value::Null, &json!(40)], "{published}");
    let mut attack = Attack::default();
    attack.read("target_kind", &published);
    let cells = attack.rows["target_kind"][&Some("association".to_owned())];
    assert!(attack.width(cells[REFERRALS]) >= 1.0);
}

#[tokio::test]
async fn never_by_mediator_and_own_only_to_its_own() {
    let (app, database) = App::national().await;
    survey(&database).await;
    let hub = app.token("mediator", "agent-1", "hub");
    for query in ["group_by=mediator", "group_by=created_by", "group_by=", "", "group_by=target_kind,moment"] {
        let refused = app.get_as(&format!("/v1/stats/referrals?{query}"), &hub).await;
        assert_eq!(refused.status, 422, "{query}: {}", refused.text);
        assert_eq!(refused.json()["errors"][0]["parameter"], "group_by");
        let allowed: Vec<&str> =
            refused.json()["errors"][0]["allowed"].as_array().unwrap().iter().map(|code| text(code).to_owned().leak() as &str).collect();
        assert_eq!(allowed, GROUPINGS);
    }
    for query in ["group_by=month&mediator=agent-1", "group_by=month&created_by=agent-1"] {
        assert_eq!(app.get_as(&format!("/v1/stats/referrals?{query}"), &hub).await.status, 400, "{query}");
    }
    let own = "/v1/stats/referrals?group_by=month&scope=own";
    assert_eq!(app.get(own).await.status, 401);
    for role in ["structure_editor", "institution_editor", "network_manager", "administrator", "partner"] {
        let token = app.token(role, "agent-2", "hub");
        assert_eq!(app.get_as(own, &token).await.status, 403, "{role}");
        assert_eq!(figures(&app, Some(&token), "group_by=month").await["scope"], "published", "{role}");
    }
    assert_eq!(figures(&app, None, "group_by=month").await["scope"], "published");
    // Another organisation's own are its own.
    let theirs = app.token("mediator", "agent-1", "theirs");
    let nothing = figures(&app, Some(&theirs), "group_by=target_kind&scope=own").await;
    assert_eq!((&nothing["total"]["referrals"], &nothing["items"]), (&json!(0), &json!([])));
    let made = refer(&app, &theirs, json!({"minutes_spent": 12})).await;
    report(&app, &theirs, &made, "resolved").await;
    let one = figures(&app, Some(&theirs), "group_by=institution&scope=own").await;
    assert_eq!(
        (&one["total"]["referrals"], &one["total"]["mediators"], &one["items"][0]["minutes_spent"]),
        (&json!(1), &json!(1), &json!(12))
    );
    assert_eq!(figures(&app, Some(&hub), "group_by=institution&scope=own").await["total"]["referrals"], 361);
    assert_eq!(figures(&app, None, "group_by=institution").await["total"]["referrals"], 362);
}

#[tokio::test]
async fn lines_for_spreadsheets_are_the_same_figures() {
    let (app, database) = App::national().await;
    survey(&database).await;
    let authorization = format!("Bearer {}", app.token("mediator", "agent-1", "hub"));
    for grouping in GROUPINGS {
        for scope in ["own", "published"] {
            let path = format!("/v1/stats/referrals?group_by={grouping}&scope={scope}");
            let answer = app.send(Method::GET, &path, &[("Authorization", &authorization), ("Accept", "text/csv")], None).await;
            assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/csv; charset=utf-8"), "{path}");
            let items =
                figures(&app, Some(authorization.trim_start_matches("Bearer ")), &format!("group_by={grouping}&scope={scope}")).await;
            let mut reader = csv::Reader::from_reader(answer.text.as_bytes());
            let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
            let lines: Vec<BTreeMap<String, String>> =
                reader.records().map(|line| names.iter().cloned().zip(line.unwrap().iter().map(str::to_owned)).collect()).collect();
            let items = items["items"].as_array().unwrap();
            assert_eq!(lines.len(), items.len(), "{path}");
            for (line, item) in lines.iter().zip(items) {
                let columns: BTreeSet<&String> = item.as_object().unwrap().keys().collect();
                assert_eq!(line.keys().collect::<BTreeSet<_>>(), columns);
                for (name, value) in item.as_object().unwrap() {
                    let told = match value {
                        Value::Null => String::new(),
                        Value::String(text) => text.clone(),
                        other => other.to_string(),
                    };
                    assert_eq!(line[name], told, "{path} {name}");
                }
            }
        }
    }
}

#[tokio::test]
async fn published_figures_are_by_whole_years() {
    let (app, database) = App::national().await;
    let pool = storage(&database);
    let hub = Organisations::of(pool.clone()).ensure("hub").await.unwrap();
    let of = |kind, count, day: &str| {
        let at: DateTime<Utc> = format!("{day}T10:00:00Z").parse().unwrap();
        (0..count).map(move |number| entry(hub, number, kind, number, at)).collect::<Vec<_>>()
    };
    let all = [
        of("mairie", 30, "2024-06-03"),
        of("ccas-cias", 20, "2024-06-03"),
        of("mairie", 30, "2025-06-03"),
        of("ccas-cias", 20, "2025-12-31"),
        of("mairie", 40, "2026-02-03"),
        of("ccas-cias", 5, "2026-02-03"),
    ];
    record(&pool, &all.concat()).await;
    let token = app.token("mediator", "agent-1", "hub");
    let told = async |query: &str| {
        let table = figures(&app, None, &format!("group_by=target_kind&scope=published{query}")).await;
        let cell =
            |kind: &str| table["items"].as_array().unwrap().iter().find(|row| row["key"] == kind).map(|row| row["referrals"].clone());
        (text(&table["from"])[..10].to_owned(), text(&table["to"])[..10].to_owned(), cell("ccas-cias"), cell("mairie"))
    };
    let year = |from: &str, to: &str, ccas: Value, hall: Value| (from.to_owned(), to.to_owned(), Some(ccas), Some(hall));
    assert_eq!(told("&from=2025-03-05&to=2025-04-01").await, year("2025-01-01", "2026-01-01", json!(20), json!(30)));
    assert_eq!(told("&from=2024-12-31&to=2025-01-01").await, year("2024-01-01", "2025-01-01", json!(20), json!(30)));
    assert_eq!(told("&from=2024-02-01&to=2025-02-01").await, year("2024-01-01", "2026-01-01", json!(40), json!(60)));
    // A year hides it, so that all three do: the difference would tell.
    assert_eq!(told("&from=2026-01-01").await, year("2026-01-01", "2027-01-01", Value::Null, Value::Null));
    let whole = told("").await;
    assert_eq!((whole.0.as_str(), whole.1.as_str(), whole.2, whole.3), ("2024-01-01", "2027-01-01", Some(Value::Null), Some(Value::Null)));
    let own = figures(&app, Some(&token), "group_by=target_kind&scope=own&from=2025-06-03&to=2025-06-04").await;
    assert_eq!((&own["total"]["referrals"], own["items"].as_array().unwrap().len()), (&json!(30), 1), "an organisation's own, to the day");
    for (query, status) in [("from=2025-06-03&to=2025-06-03", 422), ("from=2026-01-01&to=2025-01-01", 422), ("from=yesterday", 400)] {
        assert_eq!(app.get(&format!("/v1/stats/referrals?group_by=month&{query}")).await.status, status, "{query}");
    }
}

#[tokio::test]
async fn minutes_show_the_load_by_institution() {
    let (app, database) = App::national().await;
    let entries = survey(&database).await;
    let token = app.token("mediator", "agent-1", "hub");
    let own = figures(&app, Some(&token), "group_by=institution").await;
    for institution in ["caf", "cpam"] {
        let is_its = |entry: &&Entry| PROCEDURES.iter().any(|(slug, of)| entry.referral.procedure == *slug && *of == institution);
        let minutes: i64 = entries.iter().filter(is_its).map(|entry| i64::from(entry.referral.minutes_spent.unwrap())).sum();
        let row = row(&own, institution);
        assert_eq!((&row["minutes_spent"], &row["doors_per_need"]), (&json!(minutes), &json!(1.0)), "{row}");
    }
}

#[tokio::test]
async fn what_was_told_is_counted_as_it_was_told() {
    let (app, database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    for outcomes in [&["unresolved", "resolved"][..], &["unknown"], &["resolved", "unknown"], &["not_needed"], &[]] {
        let made = refer(&app, &token, json!({})).await;
        for outcome in outcomes {
            report(&app, &token, &made, outcome).await;
        }
    }
    let disagreed = refer(&app, &token, json!({})).await;
    let by_code = json!({"code": disagreed["code"], "outcome": "unresolved"});
    assert_eq!(app.post("/v1/outcomes", &token, &by_code).await.status, 201);
    report(&app, &token, &disagreed, "resolved").await;
    let row = figures(&app, Some(&token), "group_by=procedure").await["items"][0].clone();
    // Four of six are known, of which two are resolved: where the person disagrees, the person's word.
    assert_eq!(
        (&row["referrals"], &row["known_outcome_rate_pct"], &row["resolved_rate_pct"]),
        (&json!(6), &json!(66.7), &json!(50.0)),
        "{row}"
    );
    assert_eq!(number(&database, "SELECT count(*) FROM outcome").await, 8);
}

#[tokio::test]
async fn unmet_questions_stand_beside() {
    let (app, database) = App::national().await;
    let token = app.token("mediator", "agent-1", "ours");
    refer(&app, &token, json!({})).await;
    let day = Utc::now().format("%Y-%m-%d").to_string();
    database
        .sql(&format!(
            "INSERT INTO question_count (day, procedure, place_kind, place, coverage, questions) VALUES \
             ('{day}', 'rsa', 'commune', '{RENNES}', 'distant', 30), ('{day}', 'rsa', 'commune', '{RENNES}', 'local', 500), \
             ('{day}', 'aide-logement', 'commune', '{RENNES}', 'none', 4), ('{day}', 'rsa', 'commune', '35051', 'remote_only', 3), \
             ('{day}', '', 'departement', '35', 'none', 2), ('2020-01-01', 'rsa', 'commune', '{RENNES}', 'none', 1000)"
        ))
        .await;
    let since = "from=2026-01-01&scope=own";
    for (grouping, key, count) in [
        ("procedure", "rsa", json!(33)),
        ("institution", "caf", json!(37)),
        ("commune", RENNES, json!(34)),
        ("departement", "35", json!(39)),
        ("target_kind", "institution", Value::Null),
    ] {
        let own = figures(&app, Some(&token), &format!("group_by={grouping}&{since}")).await;
        assert_eq!((&row(&own, key)["unmet_questions"], &own["total"]["unmet_questions"]), (&count, &json!(39)), "{grouping}: {own}");
    }
    let published = figures(&app, None, "group_by=procedure&from=2026-01-01").await;
    assert_eq!(published["total"]["unmet_questions"], 39, "{published}");
}
