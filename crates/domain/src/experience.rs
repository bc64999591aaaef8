//! What past referrals tell of a place, for one procedure. Off unless the installation wants it, and weighed last: it must not punish
//! places that take the hard cases.

use std::collections::HashMap;

use uuid::Uuid;

/// Nothing is told on fewer referrals of known outcome.
pub const FEWEST: u32 = 11;
/// So many referrals of the procedure's mean are added to each place's own.
const SMOOTHING: f64 = 20.0;

/// Referrals that ended at a place, for a procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// Of which somebody told what became of the need.
    pub known: u32,
    /// Of those: resolved.
    pub resolved: u32,
}

/// By structure and procedure.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Experience {
    past: HashMap<String, OfProcedure>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct OfProcedure {
    mean: f64,
    places: HashMap<Uuid, Past>,
}

impl Experience {
    /// From what ended where: place, slug of the procedure, what became of it.
    pub fn of(rows: impl IntoIterator<Item = (Uuid, String, Past)>) -> Self {
        let mut past: HashMap<String, OfProcedure> = HashMap::new();
        for (place, procedure, told) in rows {
            past.entry(procedure).or_default().places.insert(place, told);
        }
        for procedure in past.values_mut() {
            let sum = |count: fn(&Past) -> u32| procedure.places.values().map(|past| f64::from(count(past))).sum::<f64>();
            let (resolved, known) = (sum(|past| past.resolved), sum(|past| past.known));
            procedure.mean = if known > 0.0 { resolved / known } else { 0.0 };
        }
        Self { past }
    }

    /// Out of ten, smoothed towards the procedure's mean; the mean itself where too little is known of the place. `None` where nothing is
    /// known of the procedure.
    pub fn out_of_ten(&self, place: Uuid, procedure: &str) -> Option<u8> {
        let of_procedure = self.past.get(procedure)?;
        let share = match self.told(place, procedure) {
            Some(past) => (f64::from(past.resolved) + SMOOTHING * of_procedure.mean) / (f64::from(past.known) + SMOOTHING),
            None => of_procedure.mean,
        };
        (0..=10_u8).min_by(|one, other| (f64::from(*one) - share * 10.0).abs().total_cmp(&(f64::from(*other) - share * 10.0).abs()))
    }

    /// What may be told of a place.
    pub fn told(&self, place: Uuid, procedure: &str) -> Option<Past> {
        self.past.get(procedure)?.places.get(&place).copied().filter(|past| past.known >= FEWEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_referrals_tell_nothing_and_many_are_smoothed() {
        let [few, good, bad] = [1, 2, 3].map(Uuid::from_u128);
        let past = |known, resolved| Past { known, resolved };
        let rows = [(few, past(10, 10)), (good, past(100, 90)), (bad, past(11, 0))];
        let experience = Experience::of(rows.map(|(place, past)| (place, "rsa".to_owned(), past)));
        // The mean is 100 of 121.
        assert_eq!(experience.out_of_ten(few, "rsa"), Some(8));
        assert_eq!(experience.told(few, "rsa"), None);
        assert_eq!(experience.out_of_ten(good, "rsa"), Some(9));
        assert_eq!(experience.out_of_ten(bad, "rsa"), Some(5), "not zero: eleven hard cases are few");
        assert_eq!(experience.out_of_ten(good, "apl"), None);
    }
}
