//! Writes referrals many at a time: what waits while one transaction commits makes the next, so that they share the wait for the disk.

use std::time::Duration;

use aiguilleur_storage::referrals::{self, Entry, Recorded};
use aiguilleur_storage::{Database, Scoped, StorageError};
use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, mpsc, oneshot};

/// Referrals that may wait at once, a tenth of a second's work; more are told to come back.
const MAX_WAITING: usize = 256;
/// Referrals of one transaction.
const MAX_TOGETHER: usize = 64;
/// Transactions under way at once: while one waits for the disk, the next is written.
const WRITERS: usize = 2;
/// How long a transaction may take; the lack of an answer is told as such.
const PATIENCE: Duration = Duration::from_secs(10);

/// Hands referrals to the writers. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Recorder {
    queue: mpsc::Sender<Waiting>,
}

/// The writers' end.
#[derive(Debug)]
pub struct Queue(mpsc::Receiver<Waiting>);

#[derive(Debug)]
struct Waiting {
    entry: Entry,
    answer: oneshot::Sender<Result<Recorded, StorageError>>,
}

/// A recorder, and what [`keep_recording`] is to be given for it.
pub fn recorder() -> (Recorder, Queue) {
    let (queue, waiting) = mpsc::channel(MAX_WAITING);
    (Recorder { queue }, Queue(waiting))
}

impl Recorder {
    /// Records a referral, which is on record when this returns: the commit is over. Whoever stops waiting doesn't undo it.
    ///
    /// # Errors
    /// [`StorageError::Crowded`] when too many wait: it isn't recorded. [`StorageError::Unavailable`] when the database doesn't confirm:
    /// it is recorded or not, and its key will tell. Other errors are the referral's own, and it isn't recorded.
    pub async fn record(&self, entry: Entry) -> Result<Recorded, StorageError> {
        let (answer, answered) = oneshot::channel();
        let stops = || StorageError::Unavailable("the service stops".to_owned());
        self.queue.try_send(Waiting { entry, answer }).map_err(|refused| match refused {
            TrySendError::Full(_) => StorageError::Crowded,
            TrySendError::Closed(_) => stops(),
        })?;
        answered.await.map_err(|_| stops())?
    }
}

/// Records whatever waits, never waiting for more, until told to stop; what waits by then is recorded first.
pub async fn keep_recording(queue: Queue, database: Database, stop: oneshot::Receiver<()>) {
    let (queue, stop) = (Mutex::new(queue.0), stop.map(drop).shared());
    join_all((0..WRITERS).map(|_| write(&queue, &database, stop.clone()))).await;
}

async fn write(queue: &Mutex<mpsc::Receiver<Waiting>>, database: &Database, mut stop: impl Future<Output = ()> + Unpin) {
    loop {
        let mut batch = Vec::with_capacity(MAX_TOGETHER);
        let mut waiting = queue.lock().await;
        tokio::select! {
            biased;
            taken = waiting.recv_many(&mut batch, MAX_TOGETHER) => if taken == 0 { return },
            () = &mut stop => return,
        }
        drop(waiting);
        settle(database, batch, queue).await;
    }
}

/// Records a batch and answers everybody in it. Where one referral is refused by the database, halves are recorded apart, so that its
/// neighbours aren't. Where the database doesn't answer, those who wait hear so too.
async fn settle(database: &Database, batch: Vec<Waiting>, queue: &Mutex<mpsc::Receiver<Waiting>>) {
    let mut batches = vec![batch];
    while let Some(mut batch) = batches.pop() {
        let entries: Vec<&Entry> = batch.iter().map(|waiting| &waiting.entry).collect();
        let outcome = tokio::time::timeout(PATIENCE, record_together(database, &entries)).await;
        // Whoever stopped waiting needs no answer.
        match outcome.unwrap_or_else(|_| Err(StorageError::Unavailable("timed out".to_owned()))) {
            Ok(recorded) => {
                for (waiting, recorded) in batch.into_iter().zip(recorded) {
                    let _ = waiting.answer.send(Ok(recorded));
                }
            }
            Err(StorageError::Unavailable(cause)) => {
                // Another writer that holds the queue will hear it from the database itself.
                let mut queue = queue.try_lock();
                let others = std::iter::from_fn(|| queue.as_mut().ok()?.try_recv().ok());
                for waiting in batch.into_iter().chain(batches.drain(..).flatten()).chain(others) {
                    let _ = waiting.answer.send(Err(StorageError::Unavailable(cause.clone())));
                }
            }
            Err(_) if batch.len() > 1 => {
                batches.push(batch.split_off(batch.len() / 2));
                batches.push(batch);
            }
            Err(error) => {
                if let Some(waiting) = batch.pop() {
                    let _ = waiting.answer.send(Err(error));
                }
            }
        }
    }
}

async fn record_together(database: &Database, entries: &[&Entry]) -> Result<Vec<Recorded>, StorageError> {
    let mut transaction = Scoped::open(database).await?;
    let recorded = referrals::record(&mut transaction, entries).await?;
    // Nobody knows what became of a commit that failed: it isn't tried again.
    transaction.commit().await.map_err(|error| StorageError::Unavailable(error.to_string()))?;
    Ok(recorded)
}
