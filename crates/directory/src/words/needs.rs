//! From fits to needs: what is certain enough to be answered, what else was heard, and what is only close.

use super::{Fit, Words};

/// What was heard, as places in the catalogue.
#[derive(Debug, Default)]
pub struct Heard {
    pub needs: Vec<Fit>,
    pub alternatives: Vec<Fit>,
}

const CERTAIN: f64 = 4.5;

pub fn hear(words: &Words, said: &str, _is_danger: impl Fn(usize) -> bool) -> Heard {
    let mut fits = words.fits(said);
    fits.truncate(4);
    if fits.first().is_some_and(|best| best.log_odds >= CERTAIN) {
        let alternatives = fits.split_off(1);
        Heard { needs: fits, alternatives }
    } else {
        Heard { needs: Vec::new(), alternatives: fits }
    }
}

pub fn score(fit: &Fit) -> f64 {
    1.0 / (1.0 + (-fit.log_odds / 4.0).exp())
}
