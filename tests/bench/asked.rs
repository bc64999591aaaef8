//! Questions over HTTP: the constant answer, the national registry, the million, the pattern in wide use, in turn.

use crate::load::{Load, Measured, micros};
use crate::report::{Aim, Report};
use crate::service::cpu_s;
use crate::{Failure, Pace};

/// One of the servers that answer in turn.
pub struct Contestant {
    pub name: &'static str,
    pub load: Load,
    pub pid: u32,
}

/// Every contestant in turn, several rounds. `over`: which ratios to tell, as (key, of, to, aim).
pub async fn measure(
    report: &mut Report,
    pace: Pace,
    contestants: &[Contestant],
    over: &[(&str, &str, &str, Option<f64>)],
) -> Result<(), Failure> {
    for contestant in contestants {
        println!("  warming up {}", contestant.name);
        contestant.load.for_seconds(pace.warm_up_s).await?;
    }
    let mut rounds: Vec<Vec<Round>> = contestants.iter().map(|_| Vec::new()).collect();
    for round in 1..=pace.rounds {
        let mut told = Vec::new();
        for (contestant, rounds) in contestants.iter().zip(&mut rounds) {
            let round = Round::of(contestant, pace.round_s).await?;
            told.push(format!("{} {:.0}/s", contestant.name, round.per_s));
            rounds.push(round);
        }
        println!("  round {round} of {}: {}", pace.rounds, told.join(", "));
    }
    let of = |name: &str, value: fn(&Round) -> f64| -> Vec<f64> {
        let index = contestants.iter().position(|contestant| contestant.name == name);
        index.map_or_else(Vec::new, |index| rounds[index].iter().map(value).collect())
    };
    for (key, name, base, aim) in over {
        let ratios: Vec<f64> = of(name, |it| it.per_s).iter().zip(of(base, |it| it.per_s)).map(|(of, to)| of / to).collect();
        match aim {
            _ if ratios.is_empty() => {}
            Some(aim) => report.aim(*key, "×", ratios, Aim::AtLeast(*aim)),
            None => report.add(*key, "×", ratios),
        }
    }
    for Contestant { name, .. } in contestants {
        report.add(format!("{name}_per_s"), "/s", of(name, |it| it.per_s));
        report.add(format!("{name}_p50_us"), "µs", of(name, |it| it.p50_us));
        report.add(format!("{name}_p99_us"), "µs", of(name, |it| it.p99_us));
        report.add(format!("{name}_cpu_us"), "µs", of(name, |it| it.cpu_us));
    }
    Ok(())
}

struct Round {
    per_s: f64,
    p50_us: f64,
    p99_us: f64,
    /// Processor time of the server for one answer.
    cpu_us: f64,
}

impl Round {
    async fn of(contestant: &Contestant, seconds: f64) -> Result<Self, Failure> {
        let before = cpu_s(contestant.pid);
        let measured: Measured = contestant.load.for_seconds(seconds).await?;
        let cpu_us = (cpu_s(contestant.pid) - before) * 1e6 / micros(measured.latency.len());
        Ok(Self { per_s: measured.per_s, p50_us: micros(measured.latency.value_at_quantile(0.5)), p99_us: measured.p99_us(), cpu_us })
    }
}
