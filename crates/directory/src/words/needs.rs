//! From fits to needs: what is certain enough to be answered, what else was heard in the same words, and what is only close.

use super::{Fit, Words};

/// Margin over what is out of scope from which a procedure is meant.
const CERTAIN: f64 = 3.0;
/// The same for a danger: one that isn't there does less harm than one that isn't heard.
const FEARED: f64 = 1.0;
/// Margin from which a part of the words speaks of a need of its own.
const CLEAR: f64 = 7.0;
/// The same, for the first of them to lead the answer before what fits all the words best.
const LEADING: f64 = 9.0;
/// How much all the words weigh beside one part of them.
const WHOLE: f64 = 1.0;
/// A further need, or a danger, is heard in all the words at least this well, beside the best.
const BESIDE: f64 = 0.3;
const DANGER_BESIDE: f64 = 0.35;
/// With so few telling words that were ever heard, one of them must be a name of the procedure: « bleu » says nothing.
const FEW_WORDS: usize = 2;
/// How many parts are listened to: nobody has more needs than that, and each costs as much as the whole.
const PARTS: usize = 20;
/// How many alternatives are told.
const ALTERNATIVES: usize = 3;

/// What was heard, as places in the catalogue.
#[derive(Debug, Default)]
pub struct Heard {
    /// The main need first, then the others in the order in which they were said.
    pub needs: Vec<Fit>,
    pub alternatives: Vec<Fit>,
    /// A danger that the words let fear, even if they are about something else.
    pub danger: Option<usize>,
}

/// What the words mean. `is_danger` tells of a procedure's place whether it is about danger.
pub fn hear(words: &Words, said: &str, is_danger: impl Fn(usize) -> bool) -> Heard {
    let whole = words.fits(said);
    let is_feared = |fit: &Fit| is_danger(fit.procedure) && (fit.margin >= FEARED || fit.margin > 0.0 && words.names(fit.procedure, said));
    let is_certain = |fit: &&Fit| fit.margin >= CERTAIN || is_feared(fit);
    let likely = whole.iter().take(ALTERNATIVES).find(is_certain).copied();
    let Some(best) = likely.filter(|best| is_feared(best) || says_enough(words, best, said)) else {
        let close = whole.into_iter().filter(|fit| fit.margin > 0.0).take(ALTERNATIVES).collect();
        return Heard { alternatives: close, ..Heard::default() };
    };
    let feared = |fit: &&Fit| is_danger(fit.procedure) && fit.margin >= CERTAIN.max(best.margin * DANGER_BESIDE);
    let mut needs = needs_of_parts(words, said, &whole, &best);
    // What was said first leads, unless it is far from clear by itself.
    if needs.first().is_some_and(|first| first.margin < LEADING) {
        needs.retain(|need| need.procedure != best.procedure);
    }
    if !needs.iter().any(|need| need.procedure == best.procedure) {
        needs.insert(0, best);
    }
    let beside = || whole.iter().take(ALTERNATIVES).find(feared).or_else(|| needs.iter().find(|need| is_danger(need.procedure)));
    let danger = beside().map(|fit| fit.procedure);
    let is_need = |fit: &Fit| needs.iter().any(|need| need.procedure == fit.procedure);
    let alternatives = whole.iter().filter(|fit| !is_need(fit)).take(ALTERNATIVES).copied().collect();
    Heard { needs, alternatives, danger }
}

/// The needs that parts of the words speak of clearly, each once, in their order. None when there is but one part.
fn needs_of_parts(words: &Words, said: &str, whole: &[Fit], best: &Fit) -> Vec<Fit> {
    let parts = parts(said);
    let mut needs: Vec<Fit> = Vec::new();
    if parts.len() < 2 {
        return needs;
    }
    let mut by_procedure = vec![f64::NEG_INFINITY; whole.len()];
    for fit in whole {
        if let Some(margin) = by_procedure.get_mut(fit.procedure) {
            *margin = fit.margin;
        }
    }
    let in_whole = |procedure: usize| by_procedure.get(procedure).copied().unwrap_or(f64::NEG_INFINITY);
    for part in parts.into_iter().take(PARTS) {
        let together = |fit: &Fit| fit.margin + WHOLE * in_whole(fit.procedure);
        let Some(heard) = words.fits(&part).into_iter().max_by(|a, b| together(a).total_cmp(&together(b))) else { continue };
        let beside = in_whole(heard.procedure);
        let is_clear = heard.margin >= CLEAR && beside >= CERTAIN.max(BESIDE * best.margin);
        if is_clear && !needs.iter().any(|need| need.procedure == heard.procedure) {
            needs.push(heard);
        }
    }
    needs
}

/// The words cut where a speaker takes breath.
fn parts(said: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for piece in said.split([',', ';', '.', ':', '!', '?', '+', '&', '(', ')', '/', '\n']) {
        let mut part: Vec<&str> = Vec::new();
        for word in piece.split_whitespace() {
            if matches!(word.to_lowercase().as_str(), "et" | "puis" | "aussi" | "ensuite" | "sinon" | "également" | "egalement" | "pis") {
                parts.push(std::mem::take(&mut part).join(" "));
            } else {
                part.push(word);
            }
        }
        parts.push(part.join(" "));
    }
    parts.retain(|part| part.chars().any(char::is_alphanumeric));
    parts
}

fn says_enough(words: &Words, fit: &Fit, said: &str) -> bool {
    fit.margin >= CLEAR || words.known_words(said) > FEW_WORDS || words.names(fit.procedure, said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_where_one_takes_breath() {
        assert_eq!(parts("Le RSA, les APL et une mutuelle !"), ["Le RSA", "les APL", "une mutuelle"]);
        assert_eq!(parts("..., ! et"), Vec::<String>::new());
    }
}
