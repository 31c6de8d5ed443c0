//! `effmix report`.

use super::setup::{Folder, read};

#[test]
fn the_page_is_written_anew_for_a_finished_run_alone() {
    let folder = Folder::with_images(6);
    folder.train("out", &[]);
    let page = read(&folder.path("out/report.html"));
    std::fs::remove_file(folder.path("out/report.html")).unwrap();
    let shown = folder.run(&["report", "out"]);
    assert!(shown.contains("report.html"), "{shown}");
    assert_eq!(read(&folder.path("out/report.html")), page);
    std::fs::remove_file(folder.path("out/summary.json")).unwrap();
    let message = folder.fails(1, &["report", "out"]);
    assert!(message.contains("effmix resume out"), "{message}");
}
