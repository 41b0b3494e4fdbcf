//! The explainer: the most plausible smallest sets of causes that explain every broken reading and contradict none that holds.
//!
//! Readings that share no possible cause are explained apart, so that an unrelated server changes nothing. Within such a part the causes that
//! reach over several servers are chosen first, each server then fills in what is left: the work grows with the number of servers, not with the
//! number of their combinations.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::candidates::Candidate;
use super::reading::Readings;
use crate::model::place::Place;

/// What it costs to leave a reading unexplained, in the measure of a row's cost.
const UNEXPLAINED: f64 = 7.5;

/// How much less plausible than the best a set of causes may be to be considered: e^-3.5 is 3 %.
const MARGIN: f64 = 3.5;

/// What the same cause costs at each further server: one hand has set them up alike. Only where a cause that reaches over them competes does it
/// matter.
const ALIKE: f64 = 1.0;

/// How many causes that reach over several servers may be at work at once.
const WIDE_AT_ONCE: usize = 3;

/// How many sets of causes are considered for one server, and for the choices of wide causes; no scenario comes near it.
const MOST_SETS: usize = 400;

/// How many steps a search may take; hostile reports alone get there.
const MOST_STEPS: usize = 20_000;

/// Readings that are explained together, with what may explain them.
#[derive(Debug)]
pub struct Part {
    /// The broken readings, by their number.
    pub readings: Vec<usize>,
    /// The causes of the most plausible set.
    pub best: Vec<usize>,
    /// The readings that it leaves unexplained.
    pub unexplained: Vec<usize>,
    /// How plausible each candidate is, from 0 to 1; those of no set are left out.
    pub shares: BTreeMap<usize, f64>,
    /// For each of the best: how plausible it is, wherever exactly it sits, and whether every set has it.
    pub weights: Vec<Weight>,
    /// Whether the search was cut off, so that nothing is certain.
    pub cut_off: bool,
}

/// How plausible a cause is over all sets.
#[derive(Clone, Copy, Debug)]
pub struct Weight {
    /// The share of the sets that have it, from 0 to 1.
    pub share: f64,
    /// Whether every set has it.
    pub in_every: bool,
}

/// Explains all broken readings.
#[must_use]
pub fn explain(readings: &Readings, candidates: &[Candidate]) -> Vec<Part> {
    let broken: Vec<usize> =
        readings.all().iter().enumerate().filter(|(_, reading)| reading.wants_explanation()).map(|(index, _)| index).collect();
    explain_these(readings, candidates, &broken)
}

/// Explains some readings; the candidates must explain none but these.
#[must_use]
pub fn explain_these(readings: &Readings, candidates: &[Candidate], broken: &[usize]) -> Vec<Part> {
    parts(broken, candidates).into_iter().map(|(broken, of_part)| solve(readings, candidates, broken, &of_part)).collect()
}

/// The reading that stands for all that are joined with one.
fn root(parent: &mut HashMap<usize, usize>, of: usize) -> usize {
    let mut at = of;
    while parent[&at] != at {
        let above = parent[&parent[&at]];
        parent.insert(at, above);
        at = above;
    }
    at
}

/// Readings that share candidates, directly or by others.
fn parts(broken: &[usize], candidates: &[Candidate]) -> Vec<(Vec<usize>, Vec<usize>)> {
    let mut parent: HashMap<usize, usize> = broken.iter().map(|index| (*index, *index)).collect();
    for candidate in candidates {
        let Some(&first) = candidate.explains.first() else { continue };
        for other in &candidate.explains[1..] {
            let (one, other) = (root(&mut parent, first), root(&mut parent, *other));
            parent.insert(other, one);
        }
    }
    let mut parts: BTreeMap<usize, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for index in broken {
        parts.entry(root(&mut parent, *index)).or_default().0.push(*index);
    }
    for (number, candidate) in candidates.iter().enumerate() {
        if let Some(&first) = candidate.explains.first() {
            parts.entry(root(&mut parent, first)).or_default().1.push(number);
        }
    }
    parts.into_values().collect()
}

/// The sets of causes that explain some readings of one group.
#[derive(Clone, Debug, Default)]
struct Sets {
    /// Each with its cost, its candidates and the readings that it leaves unexplained; the most plausible first.
    all: Vec<(f64, Vec<usize>, Vec<usize>)>,
    cut_off: bool,
}

impl Sets {
    fn best_cost(&self) -> f64 {
        self.all.first().map_or(0.0, |set| set.0)
    }

    /// The logarithm of the weights' sum.
    fn weight(&self) -> f64 {
        let best = self.best_cost();
        self.all.iter().map(|set| (best - set.0).exp()).sum::<f64>().ln() - best
    }
}

/// One choice of wide causes, with what each group fills in.
struct Choice {
    wide: Vec<usize>,
    cost: f64,
    weight: f64,
    groups: Vec<Sets>,
}

fn solve(readings: &Readings, candidates: &[Candidate], broken: Vec<usize>, of_part: &[usize]) -> Part {
    let group_of = |index: usize| group(&readings.all()[index].place);
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut number_of: HashMap<Place, usize> = HashMap::new();
    for index in &broken {
        let number = *number_of.entry(group_of(*index)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[number].push(*index);
    }
    let mut wide: Vec<usize> = Vec::new();
    let mut local: Vec<Vec<usize>> = vec![Vec::new(); groups.len()];
    for &number in of_part {
        let mut at = candidates[number].explains.iter().map(|index| number_of[&group_of(*index)]);
        let Some(first) = at.next() else { continue };
        if at.all(|other| other == first) { local[first].push(number) } else { wide.push(number) }
    }
    let mut known: HashMap<(usize, Vec<usize>), Sets> = HashMap::new();
    let mut choices: Vec<Choice> = Vec::new();
    let mut cut_off = false;
    for chosen in subsets(&wide, &mut cut_off) {
        let filled: Vec<Sets> = groups
            .iter()
            .enumerate()
            .map(|(number, group)| {
                let left: Vec<usize> = group.iter().copied().filter(|index| !explained(candidates, &chosen, *index)).collect();
                let key = (number, left);
                if let Some(sets) = known.get(&key) {
                    return sets.clone();
                }
                let sets = covers(candidates, &local[number], &key.1);
                known.insert(key, sets.clone());
                sets
            })
            .collect();
        if chosen.iter().any(|number| is_idle(candidates, *number, &chosen, &filled)) {
            continue;
        }
        let own: f64 = chosen.iter().map(|number| candidates[*number].cost).sum();
        let alike = alike(candidates, &filled);
        let cost = own + filled.iter().map(Sets::best_cost).sum::<f64>() - alike;
        let weight = filled.iter().map(Sets::weight).sum::<f64>() - own + alike;
        choices.push(Choice { wide: chosen, cost, weight, groups: filled });
    }
    choices.sort_by(|one, other| one.cost.total_cmp(&other.cost));
    let best_cost = choices.first().map_or(0.0, |choice| choice.cost);
    choices.retain(|choice| choice.cost <= best_cost + MARGIN);
    cut_off |= choices.iter().flat_map(|choice| &choice.groups).any(|sets| sets.cut_off);
    let (best, unexplained) = choices.first().map_or_else(Default::default, best_of);
    let total = Total::of(&choices);
    let weights = best.iter().map(|number| total.weigh(&related(candidates, of_part, *number))).collect();
    let shares =
        of_part.iter().map(|number| (*number, total.weigh(&[*number]).share)).filter(|(_, share)| *share > 0.0).collect();
    Part { readings: broken, best, unexplained, shares, weights, cut_off }
}

/// What the best sets cost less because the same cause is at work at several servers.
fn alike(candidates: &[Candidate], filled: &[Sets]) -> f64 {
    let mut elsewhere: HashSet<&'static str> = HashSet::new();
    let mut saved = 0.0;
    for set in filled.iter().filter_map(|sets| sets.all.first()) {
        let here = set.1.iter().map(|number| &candidates[*number]).filter(|candidate| candidate.place.server().is_some());
        let here: Vec<&Candidate> = here.collect();
        let known = here.iter().filter(|candidate| elsewhere.contains(candidate.cause.id));
        saved += known.map(|candidate| (candidate.cost - ALIKE).max(0.0)).sum::<f64>();
        elsewhere.extend(here.iter().map(|candidate| candidate.cause.id));
    }
    saved
}

/// The same cause at this place or around it: where exactly it sits makes it no other.
fn related(candidates: &[Candidate], of_part: &[usize], number: usize) -> Vec<usize> {
    let own = &candidates[number];
    let overlaps = |other: &Candidate| other.explains.iter().any(|index| own.explains.binary_search(index).is_ok());
    let is_same = |other: &&usize| candidates[**other].cause.id == own.cause.id && overlaps(&candidates[**other]);
    of_part.iter().filter(is_same).copied().collect()
}

/// What belongs together at a server is its address; else each place stands for itself.
fn group(place: &Place) -> Place {
    match place {
        Place::Service { server, .. } | Place::Relay { server, .. } | Place::Server { server } => {
            Place::Server { server: *server }
        }
        Place::Gateway | Place::Peer { .. } | Place::Call => Place::Call,
        Place::Host | Place::Network { .. } | Place::Name { .. } | Place::List | Place::Control { .. } => place.clone(),
    }
}

fn explained(candidates: &[Candidate], chosen: &[usize], index: usize) -> bool {
    chosen.iter().any(|number| candidates[*number].explains.binary_search(&index).is_ok())
}

/// Whether a wide cause explains nothing that the others leave, in the best that the groups can do.
fn is_idle(candidates: &[Candidate], wide: usize, chosen: &[usize], filled: &[Sets]) -> bool {
    let others: Vec<usize> = chosen
        .iter()
        .chain(filled.iter().filter_map(|sets| sets.all.first()).flat_map(|set| &set.1))
        .copied()
        .filter(|number| *number != wide)
        .collect();
    let mut covered: Vec<usize> = others.iter().flat_map(|number| candidates[*number].explains.iter().copied()).collect();
    covered.sort_unstable();
    candidates[wide].explains.iter().all(|index| covered.binary_search(index).is_ok())
}

/// All choices of few wide causes, the empty one first.
fn subsets(wide: &[usize], cut_off: &mut bool) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = vec![Vec::new()];
    let mut begin = 0;
    for _ in 0..WIDE_AT_ONCE {
        let end = all.len();
        for at in begin..end {
            let after =
                all[at].last().map_or(0, |last| wide.iter().position(|number| number == last).map_or(0, |index| index + 1));
            for number in &wide[after..] {
                if all.len() >= MOST_SETS {
                    *cut_off |= wide.len() > 2 * WIDE_AT_ONCE * 10;
                    return all;
                }
                let mut more = all[at].clone();
                more.push(*number);
                all.push(more);
            }
        }
        begin = end;
    }
    all
}

/// All minimal sets of local candidates that explain some readings, up to the margin above the cheapest.
fn covers(candidates: &[Candidate], local: &[usize], left: &[usize]) -> Sets {
    let mut search = Search { candidates, local, left, found: Vec::new(), best: f64::INFINITY, steps: 0 };
    search.step(0.0, &mut Vec::new(), &mut Vec::new());
    let cut_off = search.steps >= MOST_STEPS;
    let mut all = search.found;
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    let best = all.first().map_or(0.0, |set| set.0);
    all.retain(|set| set.0 <= best + MARGIN);
    all.truncate(MOST_SETS);
    Sets { all, cut_off }
}

struct Search<'a> {
    candidates: &'a [Candidate],
    local: &'a [usize],
    left: &'a [usize],
    found: Vec<(f64, Vec<usize>, Vec<usize>)>,
    best: f64,
    steps: usize,
}

impl Search<'_> {
    fn step(&mut self, cost: f64, chosen: &mut Vec<usize>, unexplained: &mut Vec<usize>) {
        self.steps += 1;
        if cost > self.best + MARGIN || self.steps >= MOST_STEPS {
            return;
        }
        let open =
            self.left.iter().copied().filter(|index| !unexplained.contains(index) && !explained(self.candidates, chosen, *index));
        let explains = |index: usize| {
            self.local
                .iter()
                .copied()
                .filter(|number| self.candidates[*number].explains.binary_search(&index).is_ok())
                .collect::<Vec<_>>()
        };
        let next = open.map(|index| (index, explains(index))).min_by_key(|(_, by)| by.len());
        let Some((index, mut by)) = next else { return self.take(cost, chosen, unexplained) };
        by.sort_by(|one, other| self.candidates[*one].cost.total_cmp(&self.candidates[*other].cost));
        for number in by {
            chosen.push(number);
            self.step(cost + self.candidates[number].cost, chosen, unexplained);
            chosen.pop();
        }
        unexplained.push(index);
        self.step(cost + UNEXPLAINED, chosen, unexplained);
        unexplained.pop();
    }

    /// Keeps a set unless one of its causes could be left out.
    fn take(&mut self, cost: f64, chosen: &[usize], unexplained: &[usize]) {
        let is_needed = |number: &usize| {
            let others: Vec<usize> = chosen.iter().copied().filter(|other| other != number).collect();
            let own = &self.candidates[*number].explains;
            self.left.iter().any(|index| own.binary_search(index).is_ok() && !explained(self.candidates, &others, *index))
        };
        let is_explained_anyway = |index: &usize| explained(self.candidates, chosen, *index);
        if !chosen.iter().all(is_needed) || unexplained.iter().any(is_explained_anyway) {
            return;
        }
        self.best = self.best.min(cost);
        let mut set: Vec<usize> = chosen.to_vec();
        set.sort_unstable();
        if !self.found.iter().any(|known| known.1 == set && known.2.len() == unexplained.len()) {
            self.found.push((cost, set, unexplained.to_vec()));
        }
    }
}

fn best_of(choice: &Choice) -> (Vec<usize>, Vec<usize>) {
    let firsts = || choice.groups.iter().filter_map(|sets| sets.all.first());
    let chosen = choice.wide.iter().copied().chain(firsts().flat_map(|set| set.1.iter().copied())).collect();
    (chosen, firsts().flat_map(|set| set.2.iter().copied()).collect())
}

/// All choices together.
struct Total<'c> {
    choices: &'c [Choice],
    /// The part of each choice in the weights' sum.
    parts: Vec<f64>,
}

impl<'c> Total<'c> {
    fn of(choices: &'c [Choice]) -> Self {
        let best = choices.iter().map(|choice| choice.weight).fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = choices.iter().map(|choice| (choice.weight - best).exp()).sum();
        Self { choices, parts: choices.iter().map(|choice| (choice.weight - best).exp() / total).collect() }
    }

    /// How plausible it is that one of some candidates is at work.
    fn weigh(&self, any_of: &[usize]) -> Weight {
        let mut weight = Weight { share: 0.0, in_every: !self.choices.is_empty() };
        for (choice, part) in self.choices.iter().zip(&self.parts) {
            if choice.wide.iter().any(|number| any_of.contains(number)) {
                weight.share += part;
                continue;
            }
            let mut absent = 1.0;
            let mut in_all_of_a_group = false;
            for sets in &choice.groups {
                let has = |set: &(f64, Vec<usize>, Vec<usize>)| set.1.iter().any(|number| any_of.contains(number));
                if sets.all.iter().any(has) {
                    let best = sets.best_cost();
                    let of = |sets: &mut dyn Iterator<Item = &(f64, Vec<usize>, Vec<usize>)>| -> f64 {
                        sets.map(|set| (best - set.0).exp()).sum()
                    };
                    absent *= 1.0 - of(&mut sets.all.iter().filter(|set| has(set))) / of(&mut sets.all.iter());
                    in_all_of_a_group |= sets.all.iter().all(has);
                }
            }
            weight.share += part * (1.0 - absent);
            weight.in_every &= in_all_of_a_group;
        }
        weight
    }
}
