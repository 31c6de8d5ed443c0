//! Pictures, grouped by what their labels are and might be.

use super::tile::tile;
use super::words::thousands;
use crate::Options;
use crate::run::LabelIssue;
use crate::shown;
use maud::{Markup, html};
use rayon::prelude::*;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A pair of labels with this many pictures is a group.
const GROUP: usize = 4;

/// So many of the worst stand together before the groups, where there are more than twice as many pictures.
const WORST: usize = 12;

/// Rows whose images are decoded at once.
const AT_ONCE: usize = 64;

/// Bytes of a gallery's own markup, and of that around a group.
const GALLERY_MARKUP: usize = 1_000;
const GROUP_MARKUP: usize = 50;

/// A label that was given, and one that would be better.
type Pair<'a> = (&'a str, &'a str);

/// The pictures of some rows, as many as fit into the page.
pub(super) struct Gallery<'a> {
    tiles: Vec<(&'a LabelIssue, Markup)>,
    /// How many pictures there would be without a bound on the page's size.
    wanted: usize,
    /// At least the length of its markup.
    bytes: usize,
}

impl<'a> Gallery<'a> {
    /// The pictures of `rows` in that order, up to the first that doesn't fit into `room` bytes. Where not even a title fits, the
    /// gallery is empty.
    pub(super) fn new(rows: &'a [LabelIssue], options: &Options<'_>, room: usize) -> Self {
        if rows.is_empty() || room < GALLERY_MARKUP {
            return Self { tiles: Vec::new(), wanted: 0, bytes: 0 };
        }
        let mut gallery = Self { tiles: Vec::new(), wanted: rows.len(), bytes: GALLERY_MARKUP };
        // Decoding takes the time, so some rows are done at once; one that doesn't fit is the last, and few are done in vain.
        let tiles = rows.chunks(AT_ONCE).flat_map(|some| {
            let tiles: Vec<Markup> = some.par_iter().map(|row| tile(row, options)).collect();
            some.iter().zip(tiles)
        });
        for (row, tile) in tiles {
            // As if each had a heading to itself: whether it needs one is known at the end.
            let heading = pair(row).map(|pair| heading(pair, rows.len()));
            let bytes = tile.0.len() + heading.map_or(0, |heading| heading.0.len() + GROUP_MARKUP);
            if gallery.bytes + bytes > room {
                break;
            }
            gallery.bytes += bytes;
            gallery.tiles.push((row, tile));
        }
        gallery
    }

    /// At least the length of the gallery's markup.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a picture is marked as one whose label looks wrong.
    pub(super) fn is_marked(&self) -> bool {
        self.tiles.iter().any(|(row, _)| row.looks_wrong())
    }

    /// Whether a better label stands below a picture.
    pub(super) fn has_suggestions(&self) -> bool {
        self.tiles.iter().any(|(row, _)| row.better_label().is_some())
    }

    /// The pictures under a title and a text; nothing where there are no rows.
    pub(super) fn section(&self, title: &str, text: &Markup) -> Markup {
        if self.wanted == 0 {
            return html! {};
        }
        let worst = if self.tiles.len() > 2 * WORST { WORST } else { 0 };
        let (groups, others) = self.groups(worst);
        html! {
            h2 { (title) }
            (text)
            @if self.tiles.len() < self.wanted {
                p {
                    (thousands(self.tiles.len() as u64)) " of " (thousands(self.wanted as u64))
                    " pictures: the page stays under 10 MB."
                }
            }
            @if worst > 0 && !groups.is_empty() { h3 { "The worst" } }
            @if worst > 0 { (self.together(&(0..worst).collect::<Vec<usize>>())) }
            @for (pair, places) in &groups {
                (heading(*pair, places.len()))
                (self.together(places))
            }
            @if !groups.is_empty() && !others.is_empty() { h3 { "Others" } }
            @if !others.is_empty() { (self.together(&others)) }
        }
    }

    fn together(&self, places: &[usize]) -> Markup {
        html! { div.tiles { @for &place in places { (self.tiles[place].1) } } }
    }

    /// Of the pictures after the first `skipped`: pairs of at least [`GROUP`] with these pictures' places, the one with most labels that
    /// look wrong first; and the places of all others.
    fn groups(&self, skipped: usize) -> (Vec<(Pair<'a>, Vec<usize>)>, Vec<usize>) {
        let mut by_pair: BTreeMap<Pair<'a>, Vec<usize>> = BTreeMap::new();
        let mut others = Vec::new();
        for (place, (row, _)) in self.tiles.iter().enumerate().skip(skipped) {
            match pair(row) {
                Some(pair) => by_pair.entry(pair).or_default().push(place),
                None => others.push(place),
            }
        }
        let (mut groups, small): (Vec<_>, Vec<_>) =
            by_pair.into_iter().partition(|(_, places)| places.len() >= GROUP);
        let marked =
            |places: &[usize]| places.iter().filter(|&&place| self.tiles[place].0.looks_wrong()).count();
        groups.sort_by_key(|(_, places)| (Reverse(marked(places)), Reverse(places.len()), places[0]));
        others.extend(small.into_iter().flat_map(|(_, places)| places));
        others.sort_unstable();
        (groups, others)
    }
}

fn pair(row: &LabelIssue) -> Option<Pair<'_>> {
    Some((&row.given_label, row.better_label()?))
}

fn heading((given, better): Pair<'_>, pictures: usize) -> Markup {
    html! { h3 { (shown(given)) " → " (shown(better)) " (" (thousands(pictures as u64)) ")" } }
}
