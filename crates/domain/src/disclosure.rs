//! Statistical disclosure control: what a published table hides, so that no count under eleven is read in it or computed back from it.
//!
//! A table is a tree of sums, every level of which is published: communes add up to their département, départements to the total.
//!
//! 1. A cell under [`SMALLEST`] is hidden. Zero is not: a row of zero isn't listed, which tells it anyway.
//! 2. Under a sum that shows, no part is hidden, or at least two are, which make [`SMALLEST`] together and are not all ones. Otherwise
//!    the smallest part that shows is hidden with them; where none is left, the sum itself is, and so on up to the total.
//! 3. A sum that is hidden for others' sake has a hidden part too: else its parts would tell it.
//!
//! 4. Of a table that is a part of a larger published one, a cell also is hidden where what the larger has beside it is under
//!    [`SMALLEST`]: their difference would tell it. Then the rules above hold as for any other.
//!
//! Why that is enough: in a tree, all that binds the hidden cells is that those below a sum that shows make up a known remainder.
//! What they have of it beyond their least could be any one's alone. So the range of each is at least [`SMALLEST`] wide for a reader
//! who starts from zero, and holds at least two values for one who sees a row, hence starts from one.
//!
//! A worked example: under a total of 361, two cells of 7 are hidden and show as a remainder of 14. Were there one only, the remainder
//! would tell it, and the next smallest would be hidden too.
//!
//! What is not covered, and is the publisher's to see to:
//! - Another table of the same total shares it: where one hides the total, the others show nothing.
//! - A group that cuts across the tree (an EPCI over two départements) is published as the sum of its published parts, or not at all.
//! - The same table of another period, or of fewer procedures, can be subtracted from this one.
//! - A hidden row shows no rate or share either, and nothing tells the cells hidden by rule 1 from the others.

/// Cells from 1 to just under this are hidden.
pub const SMALLEST: u64 = 11;

/// A count that is to be published, and the counts that it is the sum of.
#[derive(Debug, Clone)]
pub struct Cell<K> {
    key: K,
    value: u64,
    /// What the same cell of a larger published table has beside this one: whoever reads both subtracts.
    others: u64,
    parts: Vec<Self>,
    hidden: bool,
}

/// What may be read of a cell: `None` where it is hidden. That of the outermost one is the total's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published<K> {
    pub key: K,
    pub value: Option<u64>,
    pub parts: Vec<Self>,
}

impl<K> Cell<K> {
    pub fn count(key: K, value: u64) -> Self {
        Self { key, value, others: 0, parts: Vec::new(), hidden: false }
    }

    /// A count out of a larger published table, which has so many others under the same key.
    #[must_use]
    pub fn beside(self, others: u64) -> Self {
        Self { others, ..self }
    }

    /// What isn't of any part (a referral without a commune) is a part of its own, whether or not it is listed.
    pub fn sum(key: K, parts: Vec<Self>) -> Self {
        let (value, others) = parts.iter().fold((0, 0), |(value, others), part| (value + part.value, others + part.others));
        Self { key, value, others, parts, hidden: false }
    }

    /// Hides what must be. The same cells in the same order give the same answer. O(n) at each level.
    pub fn publish(mut self) -> Published<K> {
        self.protect();
        Published::of(self)
    }

    fn protect(&mut self) {
        self.parts.iter_mut().for_each(Self::protect);
        self.hidden = is_small(self.value);
        if self.value > 0 && is_small(self.others) {
            self.hide();
        }
        if !self.hidden && self.tells_hidden_parts() {
            // One more is enough: what shows and isn't zero hides SMALLEST or more of its own.
            match self.smallest_that_shows() {
                Some(part) => part.hide(),
                None => self.hidden = true,
            }
        }
    }

    /// Whether this sum, if it shows, tells too much of the parts that don't.
    fn tells_hidden_parts(&self) -> bool {
        let hidden: Vec<_> = self.parts.iter().filter(|part| part.hidden).collect();
        match hidden.as_slice() {
            [] => false,
            [_] => true,
            several => several.iter().map(|part| part.untold()).sum::<u64>() < SMALLEST || several.iter().all(|part| part.is_of_ones()),
        }
    }

    /// What of a hidden cell the parts that show below it don't tell.
    fn untold(&self) -> u64 {
        match (self.hidden, self.parts.as_slice()) {
            (false, _) => 0,
            (true, []) => self.value,
            (true, parts) => parts.iter().map(Self::untold).sum(),
        }
    }

    /// Whether the number of rows tells them all.
    fn is_of_ones(&self) -> bool {
        if self.parts.is_empty() { self.value <= 1 } else { self.parts.iter().all(Self::is_of_ones) }
    }

    /// The first of them where several are equal.
    fn smallest_that_shows(&mut self) -> Option<&mut Self> {
        self.parts.iter_mut().filter(|part| !part.hidden && part.value > 0).min_by_key(|part| part.value)
    }

    fn hide(&mut self) {
        self.hidden = true;
        if self.parts.iter().all(|part| !part.hidden)
            && let Some(part) = self.smallest_that_shows()
        {
            part.hide();
        }
    }
}

fn is_small(count: u64) -> bool {
    (1..SMALLEST).contains(&count)
}

impl<K> Published<K> {
    /// Private, and no `From`: nothing is published but by way of [`Cell::publish`].
    fn of(Cell { key, value, parts, hidden, .. }: Cell<K>) -> Self {
        Self { key, value: (!hidden).then_some(value), parts: parts.into_iter().map(Self::of).collect() }
    }
}

#[cfg(test)]
mod tests {
    use microlp::{ComparisonOp, Error, LinearExpr, OptimizationDirection, Problem, Variable};
    use proptest::prelude::*;

    use super::*;

    fn flat(values: &[u64]) -> Cell<()> {
        Cell::sum((), values.iter().map(|&value| Cell::count((), value)).collect())
    }

    fn linked(groups: &[&[u64]]) -> Cell<()> {
        Cell::sum((), groups.iter().map(|values| flat(values)).collect())
    }

    fn values(parts: &[Published<()>]) -> Vec<Option<u64>> {
        parts.iter().map(|part| part.value).collect()
    }

    /// The total, then its parts.
    fn shown(cells: &[u64]) -> (Option<u64>, Vec<Option<u64>>) {
        let table = flat(cells).publish();
        (table.value, values(&table.parts))
    }

    #[test]
    fn a_small_remainder_of_the_larger_table_is_not_told() {
        let table = |cells: &[(u64, u64)]| {
            let cells = cells.iter().map(|&(value, others)| Cell::count((), value).beside(others));
            let table = Cell::sum((), cells.collect()).publish();
            (table.value, values(&table.parts))
        };
        assert_eq!(table(&[(50, 0), (40, 30)]), (Some(90), vec![Some(50), Some(40)]), "nobody else, or many");
        // 50 of 55: told, they would tell the 5; then the next goes with it, else the total would tell it.
        assert_eq!(table(&[(50, 5), (40, 30), (60, 0)]), (Some(150), vec![None, None, Some(60)]));
        // The only others there are: the total tells them too.
        assert_eq!(table(&[(50, 5), (40, 0)]).0, None);
        // They stand under a key that this table doesn't list.
        assert_eq!(table(&[(0, 5), (40, 0)]), (None, vec![Some(0), None]));
    }

    #[test]
    fn a_survey_hides_its_two_smallest_rows() {
        let (total, rows) = shown(&[101, 92, 56, 39, 30, 29, 7, 7]);
        assert_eq!(total, Some(361));
        assert_eq!(rows, [Some(101), Some(92), Some(56), Some(39), Some(30), Some(29), None, None]);
    }

    #[test]
    fn what_could_be_subtracted_takes_the_next_smallest_along() {
        assert_eq!(shown(&[40, 3, 20, 0, 20]), (Some(83), vec![Some(40), None, None, Some(0), Some(20)]));
        assert_eq!(shown(&[40, 5, 5]), (Some(50), vec![None, None, None]));
        assert_eq!(shown(&[40, 5, 6]), (Some(51), vec![Some(40), None, None]));
    }

    #[test]
    fn nothing_is_hidden_without_a_small_cell() {
        assert_eq!(shown(&[]), (Some(0), vec![]));
        assert_eq!(shown(&[0, 0]), (Some(0), vec![Some(0), Some(0)]));
        assert_eq!(shown(&[11, 0, 12]), (Some(23), vec![Some(11), Some(0), Some(12)]));
    }

    #[test]
    fn the_total_is_hidden_where_it_would_tell() {
        assert_eq!(shown(&[7]), (None, vec![None]));
        assert_eq!(shown(&[1, 1, 1]), (None, vec![None, None, None]));
        assert_eq!(shown(&[1; 11]), (None, vec![None; 11]));
        assert_eq!(shown(&[2, 9]), (Some(11), vec![None, None]));
    }

    #[test]
    fn a_group_hidden_for_another_hides_a_part_of_its_own() {
        let table = linked(&[&[7], &[20, 30], &[60, 70]]).publish();
        assert_eq!(values(&table.parts), [None, None, Some(130)]);
        assert_eq!(values(&table.parts[1].parts), [None, Some(30)]);
        assert_eq!(values(&table.parts[2].parts), [Some(60), Some(70)]);
    }

    #[test]
    fn a_group_of_ones_is_hidden_and_takes_another_along() {
        let table = linked(&[&[1; 12], &[20, 30]]).publish();
        assert_eq!((table.value, values(&table.parts)), (Some(62), vec![None, None]));
        assert_eq!(values(&table.parts[1].parts), [None, Some(30)]);
    }

    #[test]
    fn the_attack_finds_what_hiding_small_cells_alone_lets_out() {
        let table = |total, rows: &[Option<u64>]| Published {
            key: (),
            value: total,
            parts: rows.iter().map(|&value| Published { key: (), value, parts: vec![] }).collect(),
        };
        assert_eq!(Attack::on(&table(Some(47), &[Some(40), None]), 0.0).widths(), [0.0]);
        assert_eq!(Attack::on(&table(Some(3), &[None, None, None]), 1.0).widths(), [0.0; 3]);
        assert_eq!(Attack::on(&table(Some(361), &[Some(347), None, None]), 0.0).widths(), [14.0; 2]);
        assert_eq!(Attack::on(&table(None, &[Some(40), None]), 0.0).widths(), [f64::INFINITY; 2]);
    }

    /// All that a reader knows: each hidden cell is a variable of at least `least`, each sum an equation.
    struct Attack {
        hidden: usize,
        least: f64,
        /// The signed hidden cells of an equation, and what they make.
        equations: Vec<(Vec<(usize, f64)>, f64)>,
    }

    impl Attack {
        fn on(table: &Published<()>, least: f64) -> Self {
            let mut attack = Self { hidden: 0, least, equations: vec![] };
            attack.read(table);
            attack
        }

        /// The variable of a hidden cell.
        fn read(&mut self, cell: &Published<()>) -> Option<usize> {
            let whole = cell.value.is_none().then_some(self.hidden);
            self.hidden += usize::from(whole.is_some());
            if !cell.parts.is_empty() {
                let parts: Vec<_> = cell.parts.iter().filter_map(|part| self.read(part)).map(|part| (part, 1.0)).collect();
                let known = number(cell.value) - cell.parts.iter().map(|part| number(part.value)).sum::<f64>();
                self.equations.push((parts.into_iter().chain(whole.map(|whole| (whole, -1.0))).collect(), known));
            }
            whole
        }

        /// Of each hidden cell, the most it could be minus the least.
        fn widths(&self) -> Vec<f64> {
            (0..self.hidden)
                .map(|cell| self.extreme(cell, OptimizationDirection::Maximize) - self.extreme(cell, OptimizationDirection::Minimize))
                .map(f64::round)
                .collect()
        }

        fn extreme(&self, cell: usize, direction: OptimizationDirection) -> f64 {
            let mut problem = Problem::new(direction);
            let variables: Vec<Variable> =
                (0..self.hidden).map(|other| problem.add_var(f64::from(u8::from(other == cell)), (self.least, f64::INFINITY))).collect();
            for (terms, known) in self.equations.iter().filter(|(terms, _)| !terms.is_empty()) {
                let mut sum = LinearExpr::empty();
                for &(cell, sign) in terms {
                    sum.add(variables[cell], sign);
                }
                problem.add_constraint(sum, ComparisonOp::Eq, *known);
            }
            match problem.solve() {
                Ok(outcome) => outcome.into_solution().unwrap().objective(),
                Err(Error::Unbounded) => f64::INFINITY,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn number(value: Option<u64>) -> f64 {
        f64::from(u32::try_from(value.unwrap_or(0)).unwrap())
    }

    /// Tables of one to three levels, of small counts mostly: a table of large ones hides nothing.
    fn table() -> impl Strategy<Value = Cell<()>> {
        prop_oneof![Just(2_u64), Just(12), Just(40), Just(400)].prop_flat_map(|under| {
            let group = (0..under)
                .prop_map(|value| Cell::count((), value))
                .prop_recursive(2, 36, 6, |part| prop::collection::vec(part, 0..7).prop_map(|parts| Cell::sum((), parts)));
            prop::collection::vec(group, 0..9).prop_map(|groups| Cell::sum((), groups))
        })
    }

    fn each<'a>(cell: &'a Cell<()>, published: &'a Published<()>, see: &mut impl FnMut(&'a Cell<()>, &'a Published<()>)) {
        see(cell, published);
        assert_eq!(cell.parts.len(), published.parts.len());
        cell.parts.iter().zip(&published.parts).for_each(|(cell, published)| each(cell, published, see));
    }

    proptest! {
        #[test]
        fn no_hidden_cell_can_be_computed_back(table in table()) {
            let published = table.publish();
            for (least, narrowest) in [(0.0, 11.0), (1.0, 1.0)] {
                for width in Attack::on(&published, least).widths() {
                    prop_assert!(width >= narrowest, "{width} from {least} in {published:?}");
                }
            }
        }

        #[test]
        fn what_shows_is_true_and_not_small(table in table()) {
            each(&table, &table.clone().publish(), &mut |cell, published| {
                assert!(published.value.is_none_or(|value| value == cell.value && !(1..SMALLEST).contains(&value)));
                assert!(published.value.is_some() || cell.value > 0, "zero shows");
            });
        }

        #[test]
        fn without_a_small_cell_all_shows(table in table()) {
            let (mut small, mut hidden) = (false, false);
            each(&table, &table.clone().publish(), &mut |cell, published| {
                small |= (1..SMALLEST).contains(&cell.value);
                hidden |= published.value.is_none();
            });
            prop_assert_eq!(small, hidden);
        }

        #[test]
        fn a_flat_table_hides_one_more_only_where_the_small_ones_could_be_told(rows in prop::collection::vec(0..40_u64, 0..9)) {
            let table = flat(&rows).publish();
            let small = |value: &u64| (1..SMALLEST).contains(value);
            let mut naive = Published::of(flat(&rows));
            naive.parts.iter_mut().for_each(|part| part.value = part.value.filter(|value| !small(value)));
            let told = [(0.0, 11.0), (1.0, 1.0)]
                .iter()
                .any(|&(least, narrowest)| Attack::on(&naive, least).widths().iter().any(|&width| width < narrowest));

            let hidden = rows.iter().zip(&table.parts).filter(|(_, part)| part.value.is_none()).map(|(&value, _)| value);
            let more: Vec<_> = hidden.filter(|value| !small(value)).collect();
            let next = rows.iter().copied().filter(|&value| value >= SMALLEST).min();
            prop_assert_eq!(more, if told { Vec::from_iter(next) } else { vec![] });
        }
    }
}
