//! `--trajectories`: what the networks said of each image after each epoch.

use super::setup::{Folder, read};

/// Shape [images, epochs] and values, an epoch after the other, of a table of two bytes a value in Fortran's order.
fn table(folder: &Folder, file: &str, kind: &str) -> ([usize; 2], Vec<u16>) {
    let bytes = read(&folder.path(file));
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
    assert!(header.contains(&format!("'{kind}'")) && header.contains("'fortran_order': True"), "{header}");
    assert_eq!((10 + length) % 64, 0);
    let dims = header.split_once('(').unwrap().1.split_once(')').unwrap().0;
    let shape: Vec<usize> = dims.split(',').map(|dim| dim.trim().parse().unwrap()).collect();
    let values = bytes[10 + length..].chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    (shape.try_into().unwrap(), values)
}

#[test]
fn a_row_an_image_and_a_column_an_epoch_also_of_a_run_that_goes_on() {
    let folder = Folder::with_images(8);
    folder.train("run", &["--trajectories"]);
    let losses = |run: &str| table(&folder, &format!("{run}/loss_trajectories.npy"), "<f2");
    let predicted = |run: &str| table(&folder, &format!("{run}/predicted_trajectories.npy"), "<u2");
    let ([images, epochs], first) = losses("run");
    assert_eq!((epochs, first.len()), (3, images * 3));
    // f16: below infinity and without a sign, a loss.
    assert!(first.iter().all(|bits| *bits < 0x7C00), "{first:?}");
    let (shape, classes) = predicted("run");
    assert!(shape == [images, 3] && classes.iter().all(|class| *class < 3), "{classes:?}");

    folder.run(&["resume", "run", "--epochs", "4"]);
    let ([_, epochs], longer) = losses("run");
    assert_eq!(epochs, 4);
    assert_eq!(longer[..3 * images], first, "what was is kept");
    assert!(longer[3 * images..].iter().all(|bits| *bits < 0x7C00));
    assert_eq!(predicted("run").1[..3 * images], classes);

    folder.train("run", &["--force"]);
    assert!(
        !folder.path("run/loss_trajectories.npy").exists(),
        "a run that replaces this one takes its tables with it"
    );
    folder.train("without", &[]);
    assert!(!folder.path("without/loss_trajectories.npy").exists());
}
