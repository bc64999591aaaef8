//! What must survive: kill -9, a database that goes away, two processes on one data directory, neighbours in one transaction, clients
//! that misbehave or are too many.

mod clients;
mod database_away;
mod killed;
mod recorder;
