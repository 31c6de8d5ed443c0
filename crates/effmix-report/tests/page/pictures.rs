//! The pictures of the worst labels.

use super::{METRICS, SUMMARY, full_run, in_order, issues, page, page_with, page_with_pictures, run};
use image::{Rgb, RgbImage};
use std::fmt::Write as _;
use std::fs;
use tempfile::TempDir;

const HEADER: &str =
    "rank,path,given_label,suggested_label,label_quality,p_clean,p_given,p_suggested,is_issue,set\n";

/// A run of rows `path, given, suggested, is_issue, set`, ranked in this order.
fn run_of(rows: &[(&str, &str, &str, bool, &str)]) -> TempDir {
    let mut text = HEADER.to_owned();
    for (rank, (path, given, suggested, is_issue, set)) in (1..).zip(rows) {
        writeln!(text, "{rank},{path},{given},{suggested},0.2,0.0,0.018,0.903,{is_issue},{set}").unwrap();
    }
    run(&[("metrics.jsonl", METRICS), ("summary.json", SUMMARY), ("label_issues.csv", &text)])
}

/// `count` training images of `given`, taken for `suggested`.
fn many(count: usize, given: &str, suggested: &str) -> String {
    let mut text = HEADER.to_owned();
    for rank in 1..=count {
        writeln!(text, "{rank},{given}/{rank}.jpg,{given},{suggested},0.2,0.0,0.018,0.903,true,train")
            .unwrap();
    }
    text
}

/// An image that compresses badly, of its own for each path.
fn noise(path: &str, side: u32) -> RgbImage {
    let mut state = path.bytes().fold(1u32, |state, byte| state.wrapping_mul(31).wrapping_add(byte.into()));
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    RgbImage::from_fn(side, side, |_, _| Rgb([byte(), byte(), byte()]))
}

fn pictures(html: &str) -> usize {
    html.matches("<img src=\"data:image/jpeg;base64,").count()
}

/// The paths of the pictures, in the page's order.
fn paths(html: &str) -> Vec<&str> {
    html.split(" alt=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0).collect()
}

#[test]
fn every_picture_is_an_image_of_its_own_with_its_labels_below() {
    let html = page_with_pictures(
        &run_of(&[("a.jpg", "glass", "paper", true, "train"), ("b.jpg", "glass", "tin", false, "train")]),
        10,
    );
    assert_eq!((pictures(&html), html.matches("<img").count()), (2, 2));
    assert_eq!(paths(&html), ["a.jpg", "b.jpg"]);
    assert!(
        html.contains(
            "<span>glass</span> 1.8 %</span><span class=\"label\"><span>→ paper</span> 90.3 %</span>"
        )
    );
    assert!(html.contains("<span>quality</span> 0.200"));
    // The path on a click; the mark on the first, and once in the text that explains it.
    assert!(html.contains("</summary><span class=\"path\">a.jpg</span></details>"));
    assert_eq!(html.matches("class=\"mark\"").count(), 2);
    assert!(!html.contains("p clean"));
}

#[test]
fn an_image_that_cannot_be_read_leaves_a_tile_that_says_why() {
    let folder = run_of(&[("a.jpg", "x", "y", true, "train"), ("b.jpg", "x", "y", true, "train")]);
    let html = page_with(&folder, 10, &|path| match path {
        "a.jpg" => Err("the file is <gone>".to_owned()),
        _ => Ok(noise(path, 20)),
    });
    assert_eq!(paths(&html), ["b.jpg"]);
    assert!(
        html.contains("can't be read: the file is &lt;gone&gt;")
            && html.contains("<span class=\"path\">a.jpg</span>")
    );
    let empty = page_with(&folder, 10, &|_| Ok(RgbImage::new(0, 0)));
    assert_eq!(empty.matches("can't be read: the image has no pixels").count(), 2);
}

#[test]
fn names_in_the_gallery_are_escaped() {
    let html = page_with_pictures(&full_run(), 10);
    assert!(html.contains("<h3>cat → &lt;b&gt;dog&lt;/b&gt; (10)</h3>"));
    assert!(html.contains("alt=\"cat/a&amp;1.jpg\""));
    let quoted = run_of(&[("\"\"\"><script>.jpg\"", "a", "b", true, "train")]);
    assert!(!page_with_pictures(&quoted, 10).contains("<script>"));
}

/// A browser shows no escape character, and obeys the marks that turn the direction of writing.
#[test]
fn names_that_a_browser_would_obey_are_shown_escaped() {
    let odd = run_of(&[("a\u{1b}[1m\u{202e}gpj.jpg", "x\u{202e}", "y\u{9b}", true, "train")]);
    let html = page_with_pictures(&odd, 10);
    assert!(!html.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{html}");
    assert!(html.contains("a\\u{1b}[1m\\u{202e}gpj.jpg") && html.contains("→ y\\u{9b}"), "{html}");
}

#[test]
fn pairs_of_four_or_more_are_groups_the_largest_first() {
    let mut rows = vec![("only.jpg", "a", "b", true, "train"), ("alone.jpg", "a", "", true, "train")];
    rows.extend([("small.jpg", "c", "d", true, "train"); 4]);
    rows.extend([("three.jpg", "e", "f", true, "train"); 3]);
    rows.extend([("large.jpg", "g", "h", true, "train"); 5]);
    let html = page_with_pictures(&run_of(&rows), 100);
    let parts = [
        "<h3>g → h (5)",
        "large.jpg",
        "<h3>c → d (4)",
        "small.jpg",
        "<h3>Others",
        "only.jpg",
        "alone.jpg",
        "three.jpg",
    ];
    assert!(in_order(&html, &parts));
    assert_eq!(html.matches("<h3>").count(), 3);
}

#[test]
fn of_many_pictures_the_worst_stand_together_before_the_groups() {
    let mut rows = vec![("worst.jpg", "a", "b", true, "train")];
    rows.extend([("many.jpg", "c", "d", true, "train"); 40]);
    let html = page_with_pictures(&run_of(&rows), 100);
    assert!(in_order(&html, &["<h3>The worst", "worst.jpg", "many.jpg", "<h3>c → d (29)"]));
    assert_eq!((pictures(&html), html.matches("<h3>").count()), (41, 2));
}

#[test]
fn without_groups_there_are_no_others() {
    let html = page_with_pictures(&run_of(&[("a.jpg", "a", "b", true, "train"); 3]), 100);
    assert!(pictures(&html) == 3 && !html.contains("<h3>"));
}

#[test]
fn labels_that_look_wrong_come_first_then_the_rank_decides() {
    let rows = [
        ("a.jpg", "x", "", false, "train"),
        ("b.jpg", "x", "", true, "train"),
        ("c.jpg", "x", "", false, "train"),
        ("d.jpg", "x", "", true, "train"),
    ];
    assert_eq!(paths(&page_with_pictures(&run_of(&rows), 3)), ["b.jpg", "d.jpg", "a.jpg"]);
}

#[test]
fn there_are_no_more_pictures_than_asked_for() {
    let folder = full_run();
    for (images, shown) in [(0, 0), (1, 1), (7, 7), (60, 60), (1000, 60), (usize::MAX, 60)] {
        assert_eq!(pictures(&page_with_pictures(&folder, images)), shown);
    }
    assert!(!page(&folder).contains("Worst labels"));
}

#[test]
fn held_out_images_that_look_wrong_are_a_gallery_with_a_quarter_of_the_pictures() {
    let mut rows = vec![("train.jpg", "x", "y", true, "train"); 20];
    rows.extend([("test.jpg", "x", "y", true, "test"); 20]);
    rows.extend([("right.jpg", "x", "", false, "test"); 20]);
    let html = page_with_pictures(&run_of(&rows), 16);
    let (worst, held_out) = html.split_once("Among the held-out images").unwrap();
    assert_eq!(paths(worst), ["train.jpg"; 12]);
    assert_eq!(paths(held_out), ["test.jpg"; 4]);
    // Where fewer look wrong the training images have what is left.
    assert_eq!(
        paths(&page_with_pictures(&run_of(&rows[..21]), 16)),
        [["train.jpg"; 15].as_slice(), &["test.jpg"]].concat()
    );
    assert!(!page_with_pictures(&run_of(&rows[40..]), 16).contains("Among the held-out images"));
}

#[test]
fn the_page_stays_under_10_mb_and_says_how_many_pictures_it_left_out() {
    let text = many(2000, "glass", "paper");
    let held_out = text.replace("train\n", "test\n").split_once('\n').unwrap().1.to_owned();
    let folder = run(&[("metrics.jsonl", METRICS), ("label_issues.csv", &format!("{text}{held_out}"))]);
    let html = page_with(&folder, 3000, &|path| Ok(noise(path, 128)));
    assert!((9_500_000..10_000_000).contains(&html.len()), "{}", html.len());
    let (worst, held_out) = html.split_once("Among the held-out images").unwrap();
    for (gallery, wanted) in [(worst, "2,000"), (held_out, "750")] {
        let shown = pictures(gallery);
        let said = format!("{shown} of {wanted} pictures: the page stays under 10 MB.");
        assert!(shown > 50 && gallery.contains(&said), "{shown}");
    }
    assert!(held_out.len() < 3_000_000);
}

#[test]
fn reasons_and_names_count_towards_the_size_too() {
    let mut text = HEADER.to_owned();
    for rank in 0..8_000 {
        // A heading for every four tiles that is as long as a tile.
        let name = format!("{}{}", "&".repeat(150), rank / 4);
        writeln!(text, "{rank},{rank}.jpg,{name},paper,0.2,0.0,0.018,0.903,true,train").unwrap();
    }
    let folder = run(&[("metrics.jsonl", METRICS), ("label_issues.csv", &text)]);
    let html = page_with(&folder, 8_000, &|_| Err("<".repeat(20)));
    assert!((6_000_000..10_000_000).contains(&html.len()), "{}", html.len());
    assert!(html.contains("of 8,000 pictures"));
}

#[test]
fn a_page_that_is_long_without_pictures_has_none() {
    let folder = full_run();
    fs::write(folder.path().join("config.toml"), format!("note = \"{}\"", "x".repeat(10_000_000))).unwrap();
    assert_eq!(pictures(&page_with_pictures(&folder, 10)), 0);
}

#[test]
fn an_old_run_without_the_new_columns_has_its_pictures() {
    let html = page_with_pictures(&full_run(), 50);
    assert_eq!(pictures(&html), 50);
    assert!(!html.contains("Among the held-out images") && html.contains("<td>train</td>"));
    let fewest = "rank,path,given_label\n1,a.jpg,x\n";
    assert_eq!(
        paths(&page_with_pictures(&run(&[("metrics.jsonl", METRICS), ("label_issues.csv", fewest)]), 9)),
        ["a.jpg"]
    );
}

#[test]
fn the_same_run_gives_the_same_page() {
    let picture = |path: &str| Ok(noise(path, 150));
    let pages: Vec<String> = (0..3).map(|_| page_with(&full_run(), 40, &picture)).collect();
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn rows_may_stand_in_any_order() {
    let folder = full_run();
    let page = page_with_pictures(&folder, 30);
    let text = issues(60);
    let (header, rows) = text.split_once('\n').unwrap();
    let backwards: Vec<&str> = [header].into_iter().chain(rows.lines().rev()).collect();
    fs::write(folder.path().join("label_issues.csv"), backwards.join("\n")).unwrap();
    assert_eq!(page_with_pictures(&folder, 30), page);
}
