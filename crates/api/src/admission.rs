//! What a worker doesn't take on: past what it can answer in time, a request is refused at once instead of made to wait.
//!
//! A worker is one thread. It polls its sockets, answers the requests that were waiting there one after the other, and polls again: a
//! *round*. An answer from memory is never suspended, so what is "under way" is always one request; those that wait are the others of
//! the round. They are counted: past a crowd in one round, the worker is strained, and admits no more than [`FEW`] of each round
//! until rounds have no more than that on average. A burst is thus absorbed, and what is admitted from a standing crowd is answered
//! before long: it waits for the round before, which was made of few answers and many refusals, each a small part of an answer.
//! One calm round between others doesn't end it, or each would let a whole crowd in again.
//! Those who ask again at once when they are refused keep the worker strained.
//!
//! Requests are counted, not milliseconds: the bound is the same number of answers on a slow machine as on a fast one, and one that
//! takes long (the whole map) gets none of its neighbours refused; it makes them wait, which this doesn't prevent.
//!
//! A round ends with a task spawned by its first request: the runtime runs its tasks in the order in which they were woken, so this
//! one's turn comes after all those that the same poll of the sockets had woken.
//!
//! What waits for the database is not counted here, or a slow database would keep questions out: `aiguilleur_storage` bounds it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use actix_web::Error;
use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use uuid::Uuid;

use crate::envelope;
use crate::problem::Problem;

/// Requests that a strained worker admits in each round.
const FEW: usize = 4;
/// Rounds over which they are averaged, the last counting most.
const ROUNDS: f64 = 32.0;
/// After which whoever was refused may come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A worker's own.
pub struct Gate {
    /// Requests of one round that it takes before it is strained. As many callers that each wait for their answer never get there. With
    /// none, all are refused.
    crowd: usize,
    /// Requests of this round, refused ones included.
    arrived: Cell<usize>,
    /// Requests of a round, on average, since it is strained; zero while it isn't.
    usual: Cell<f64>,
}

impl Gate {
    pub fn new(crowd: usize) -> Rc<Self> {
        Rc::new(Self { crowd, arrived: Cell::default(), usual: Cell::default() })
    }

    /// Whether the request that just arrived is to be answered.
    fn admits(self: &Rc<Self>) -> bool {
        let before = self.arrived.replace(self.arrived.get() + 1);
        if before == 0 {
            let gate = self.clone();
            actix_web::rt::spawn(async move { gate.end_round() });
        }
        if before >= self.crowd && !self.is_strained() {
            self.usual.set(count(before + 1));
        }
        before < FEW.min(self.crowd) || !self.is_strained()
    }

    fn is_strained(&self) -> bool {
        self.usual.get() > 0.0
    }

    fn end_round(&self) {
        let arrived = count(self.arrived.replace(0));
        if self.is_strained() {
            let usual = self.usual.get() + (arrived - self.usual.get()) / ROUNDS;
            self.usual.set(if usual > count(FEW) { usual } else { 0.0 });
        }
    }
}

fn count(requests: usize) -> f64 {
    u32::try_from(requests).map_or(f64::INFINITY, f64::from)
}

/// The outermost middleware: a refusal costs neither log line, nor routing, nor compression.
pub async fn wrap<B: MessageBody + 'static>(
    gate: Rc<Gate>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    if is_operator(request.path()) || gate.admits() {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    metrics::counter!("http_requests_refused_total").increment(1);
    let problem = Problem::overloaded(
        "Trop de demandes arrivent en même temps. Celle-ci n'a pas été examinée : rien n'a été enregistré.",
        RETRY_AFTER,
    );
    let id = Uuid::new_v4().to_string();
    let mut response = problem.respond(request.path(), &id);
    envelope::sign(response.headers_mut(), &id);
    Ok(request.into_response(response).map_into_right_body())
}

/// Whoever watches over the service is answered all the more when it is strained.
pub fn is_operator(path: &str) -> bool {
    path == "/metrics" || path.starts_with("/health/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CROWD: usize = 10;

    /// How many of a round are admitted.
    async fn round(gate: &Rc<Gate>, requests: usize) -> usize {
        let admitted = (0..requests).filter(|_| gate.admits()).count();
        // The end of the round has its turn.
        actix_web::rt::task::yield_now().await;
        admitted
    }

    #[actix_web::test]
    async fn a_crowd_is_absorbed_and_one_calm_round_lets_no_other_in() {
        let gate = Gate::new(CROWD);
        assert_eq!(round(&gate, CROWD).await, CROWD);
        assert_eq!(round(&gate, 50).await, CROWD);
        assert_eq!(round(&gate, 50).await, FEW);
        assert_eq!(round(&gate, 1).await, 1);
        assert_eq!(round(&gate, 50).await, FEW);
    }

    #[actix_web::test]
    async fn calm_rounds_end_the_strain() {
        let gate = Gate::new(CROWD);
        round(&gate, 50).await;
        for _ in 0..200 {
            assert_eq!(round(&gate, 1).await, 1);
        }
        assert_eq!(round(&gate, CROWD).await, CROWD);
    }
}
