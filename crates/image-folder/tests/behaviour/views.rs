use std::collections::HashSet;
use std::fs::{self, File};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use image::ImageFormat;
use image_folder::{
    ByteBatch, Cache, Channels, Error, Pixels, Policy, Result, RgbImage, Sample, Skipped, Transform, ViewOf,
    Views,
};

use crate::fitting::plain_numbers;
use crate::util::{Tree, encoded, picture};

pub(crate) fn build(
    samples: Vec<Sample>,
    transform: Transform,
    cache: Cache,
) -> Result<(Views, Vec<Skipped>)> {
    Views::build(samples, transform, cache, &|_, _| (), &AtomicBool::new(false))
}

pub(crate) fn in_memory(image: RgbImage) -> Sample {
    Sample { path: "x".to_owned(), source: Pixels::Memory(Arc::new(image)), label: 0, truth: None }
}

fn on_disk(tree: &Tree, count: u32) -> Vec<Sample> {
    (0..count)
        .map(|index| {
            let path = format!("{index}.png");
            tree.file(&path, encoded(&picture(9 + index, 12), ImageFormat::Png));
            let source = Pixels::file(tree.path().join(&path));
            Sample { path, source, label: 0, truth: None }
        })
        .collect()
}

pub(crate) fn augmenting() -> Transform {
    Transform { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4], crop_padding: 2, ..plain_numbers(8) }
}

/// The obvious way: pad the image with black, crop, flip, normalise.
fn slow_view(image: &RgbImage, transform: &Transform, down: usize, right: usize, flipped: bool) -> Vec<f32> {
    let (size, padding) = (transform.size, transform.crop_padding);
    let mut view = Vec::new();
    for y in 0..size {
        for x in 0..size {
            let column = right + if flipped { size - 1 - x } else { x };
            let inside = |at: usize| (padding..padding + size).contains(&at);
            for c in 0..3 {
                let value = if inside(down + y) && inside(column) {
                    image.get_pixel((column - padding) as u32, (down + y - padding) as u32).0[c]
                } else {
                    0
                };
                view.push((f32::from(value) / 255.0 - transform.mean[c]) / transform.std[c]);
            }
        }
    }
    view
}

fn close(one: &[f32], other: &[f32]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| (a - b).abs() < 1e-5)
}

#[test]
fn plain_views_are_the_obvious_ones() {
    let transform = augmenting();
    let (views, _) = build(vec![in_memory(picture(8, 8))], transform.clone(), Cache::Ram).unwrap();
    let batch = views.plain(&[0, 0]).unwrap();
    assert_eq!(batch.shape, [2, 8, 8, 3]);
    let straight = slow_view(&picture(8, 8), &transform, 2, 2, false);
    assert!(close(&batch.pixels, &[straight.clone(), straight].concat()));
}

/// DivideMix's augmentation (its Train_cifar.py): a crop from the image with black pixels around it, and a
/// flip. Each of the 5 x 5 x 2 views comes up, and nothing else.
#[test]
fn augmented_views_are_the_crops_and_flips_of_the_padded_image() {
    let transform = augmenting();
    let (views, _) = build(vec![in_memory(picture(8, 8))], transform.clone(), Cache::Ram).unwrap();
    let mut all = Vec::new();
    for (down, right) in (0..5).flat_map(|down| (0..5).map(move |right| (down, right))) {
        all.push(slow_view(&picture(8, 8), &transform, down, right, false));
        all.push(slow_view(&picture(8, 8), &transform, down, right, true));
    }
    let mut seen = HashSet::new();
    for seed in 0..600 {
        let view = views.augmented(&[(0, seed)]).unwrap().pixels;
        seen.insert(all.iter().position(|other| close(other, &view)).unwrap());
    }
    assert_eq!(seen.len(), all.len());
}

#[test]
fn without_flip_and_padding_augmented_views_are_plain() {
    let transform = Transform { flip: false, crop_padding: 0, ..augmenting() };
    let (views, _) = build(vec![in_memory(picture(8, 8))], transform, Cache::Ram).unwrap();
    for seed in 0..50 {
        assert_eq!(views.augmented(&[(0, seed)]).unwrap(), views.plain(&[0]).unwrap());
    }
}

/// The numbers that a batch of bytes becomes.
fn normalised(batch: &ByteBatch, transform: &Transform) -> Vec<f32> {
    let (scale, bias) = transform.scale_and_bias();
    let number = |(at, byte): (usize, &u8)| f32::from(*byte) * scale[at % 3] + bias[at % 3];
    batch.pixels.iter().enumerate().map(number).collect()
}

#[test]
fn bytes_normalised_are_the_numbers_of_the_same_views() {
    let transform = augmenting();
    let samples = vec![in_memory(picture(8, 8)), in_memory(picture(9, 12))];
    let (views, _) = build(samples, transform.clone(), Cache::Ram).unwrap();
    let policy = Policy::RandAugment;
    let asked: Vec<(usize, ViewOf)> = (0..60)
        .map(|number| {
            let seed = number as u64 / 6;
            (number % 2, [ViewOf::Plain, ViewOf::Augmented(seed), ViewOf::Strong(policy, seed)][number % 3])
        })
        .collect();
    let bytes = views.bytes(&asked).unwrap();
    assert_eq!(bytes.shape, [60, 8, 8, 3]);
    let numbers: Vec<f32> = asked
        .iter()
        .flat_map(|(sample, view)| match view {
            ViewOf::Plain => views.plain(&[*sample]).unwrap().pixels,
            ViewOf::Augmented(seed) => views.augmented(&[(*sample, *seed)]).unwrap().pixels,
            ViewOf::Strong(policy, seed) => views.strong(*policy, &[(*sample, *seed)]).unwrap().pixels,
        })
        .collect();
    assert!(close(&normalised(&bytes, &transform), &numbers));
    assert!(matches!(views.bytes(&[(2, ViewOf::Plain)]), Err(Error::NoSample { index: 2, len: 2 })));
}

#[test]
fn bytes_of_images_are_those_that_normalise_takes() {
    let (transform, images) = (augmenting(), [picture(5, 3), picture(5, 3)]);
    let images: Vec<&RgbImage> = images.iter().collect();
    let (bytes, numbers) =
        (ByteBatch::of(&images, Channels::Rgb).unwrap(), transform.normalise(&images).unwrap());
    assert_eq!(bytes.shape, numbers.shape);
    assert!(close(&normalised(&bytes, &transform), &numbers.pixels));
    assert!(matches!(ByteBatch::of(&[images[0], &picture(3, 5)], Channels::Rgb), Err(Error::Transform(_))));
}

#[test]
fn a_view_is_decided_by_sample_and_seed_whatever_the_cache_and_the_threads() {
    let tree = Tree::new();
    let samples = on_disk(&tree, 7);
    let asked: Vec<(usize, u64)> = (0..40).map(|index| (index % 7, index as u64 / 3)).collect();
    let mut batches = Vec::new();
    for cache in [Cache::Ram, Cache::Disk(tree.path().join("cache")), Cache::None] {
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            batches.push(pool.install(|| {
                let (views, _) = build(samples.clone(), augmenting(), cache.clone()).unwrap();
                (views.augmented(&asked).unwrap(), views.plain(&[6, 0]).unwrap())
            }));
        }
    }
    for other in &batches[1..] {
        assert_eq!(*other, batches[0]);
    }
}

#[test]
fn a_sample_that_is_not_there_is_an_error() {
    let (views, _) = build(vec![in_memory(picture(8, 8))], augmenting(), Cache::Ram).unwrap();
    assert!(matches!(views.plain(&[0, 1]).unwrap_err(), Error::NoSample { index: 1, len: 1 }));
    assert_eq!(views.plain(&[]).unwrap().shape, [0, 8, 8, 3]);
}

#[test]
fn progress_ends_with_all_images() {
    let tree = Tree::new();
    for cache in [Cache::Ram, Cache::Disk(tree.path().join("cache")), Cache::None] {
        let most = AtomicUsize::new(0);
        let progress = |done, all| {
            assert_eq!(all, 9);
            most.fetch_max(done, Ordering::SeqCst);
        };
        let samples = on_disk(&tree, 9);
        Views::build(samples, augmenting(), cache, &progress, &AtomicBool::new(false)).unwrap();
        assert_eq!(most.into_inner(), 9);
    }
}

#[test]
fn a_raised_flag_stops_and_leaves_no_file() {
    let tree = Tree::new();
    let folder = tree.path().join("cache");
    for cache in [Cache::Ram, Cache::Disk(folder.clone()), Cache::None] {
        let stop = AtomicBool::new(true);
        let error = Views::build(on_disk(&tree, 3), augmenting(), cache, &|_, _| (), &stop).unwrap_err();
        assert!(matches!(error, Error::Stopped));
    }
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}

#[test]
fn a_streamed_file_that_goes_away_is_an_error_with_its_path() {
    let tree = Tree::new();
    let (views, _) = build(on_disk(&tree, 2), augmenting(), Cache::None).unwrap();
    fs::remove_file(tree.path().join("1.png")).unwrap();
    assert!(views.plain(&[0]).is_ok());
    assert!(views.plain(&[0, 1]).unwrap_err().to_string().starts_with("1.png: can't be read"));
}

#[test]
fn a_cache_folder_that_can_t_be_is_an_error_with_its_path() {
    let tree = Tree::of(&["file.png"]);
    let error =
        build(on_disk(&tree, 1), augmenting(), Cache::Disk(tree.path().join("file.png"))).unwrap_err();
    assert!(matches!(error, Error::Io { .. }));
    assert!(error.to_string().contains("file.png"), "{error}");
}

/// A limit on the length of files stands for a full disk: to the program both are a write that fails. The test
/// runs itself again below that limit, 8 blocks of 512 or 1024 bytes, with the signal for it ignored.
#[cfg(unix)]
#[test]
fn a_disk_without_room_is_an_error_and_no_half_file_stays() {
    const INSIDE: &str = "IMAGE_FOLDER_TEST_WITHOUT_ROOM";
    if std::env::var_os(INSIDE).is_none() {
        let run = std::process::Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "views::a_disk_without_room_is_an_error_and_no_half_file_stays"])
            .env(INSIDE, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let tree = Tree::new();
    let samples = vec![in_memory(picture(64, 64)); 2];
    let error = build(samples, plain_numbers(64), Cache::Disk(tree.path().to_owned())).unwrap_err();
    assert!(error.to_string().contains("writing the image cache"), "{error}");
    assert_eq!(fs::read_dir(tree.path()).unwrap().count(), 0);
}

mod on_disk_cache {
    use std::path::PathBuf;

    use super::*;

    fn cache(tree: &Tree) -> Cache {
        Cache::Disk(tree.path().join("cache"))
    }

    fn files(tree: &Tree) -> Vec<PathBuf> {
        fs::read_dir(tree.path().join("cache")).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn it_says_whether_it_holds_a_set() {
        let tree = Tree::new();
        let samples = on_disk(&tree, 3);
        let holds = |samples: &[Sample], size| {
            cache(&tree).holds(samples, &Transform { size, resized: size, ..augmenting() })
        };
        assert!(!holds(&samples, 8));
        build(samples.clone(), augmenting(), cache(&tree)).unwrap();
        assert!(holds(&samples, 8));
        assert!(!holds(&samples, 9), "of another size");
        assert!(!holds(&samples[1..], 8), "other images");
        assert!(!Cache::Ram.holds(&samples, &augmenting()));
    }

    /// Makes an image's file unreadable, but leaves its size and time.
    fn spoil(tree: &Tree, name: &str) {
        let path = tree.path().join(name);
        let metadata = fs::metadata(&path).unwrap();
        fs::write(&path, vec![b'x'; metadata.len() as usize]).unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(metadata.modified().unwrap()).unwrap();
    }

    #[test]
    fn it_is_used_again_with_what_was_skipped() {
        let tree = Tree::new();
        let mut samples = on_disk(&tree, 4);
        tree.file("2.png", "\"no\",\nimage");
        let (first, first_skipped) = build(samples.clone(), augmenting(), cache(&tree)).unwrap();
        spoil(&tree, "0.png");
        let (again, again_skipped) = build(samples.clone(), augmenting(), cache(&tree)).unwrap();
        assert_eq!((again_skipped, again.samples()), (first_skipped, first.samples()));
        assert_eq!(again.plain(&[0, 1, 2]).unwrap(), first.plain(&[0, 1, 2]).unwrap());
        assert_eq!(files(&tree).len(), 1);
        samples.truncate(2);
        let (_, skipped) = build(samples, augmenting(), cache(&tree)).unwrap();
        assert_eq!(skipped.len(), 1, "another list of paths is another cache");
    }

    #[test]
    fn another_size_of_view_or_file_is_another_cache() {
        let tree = Tree::new();
        let samples = on_disk(&tree, 2);
        build(samples.clone(), augmenting(), cache(&tree)).unwrap();
        build(samples.clone(), plain_numbers(5), cache(&tree)).unwrap();
        assert_eq!(files(&tree).len(), 2);
        tree.file("1.png", encoded(&picture(30, 30), ImageFormat::Png));
        let (views, _) = build(samples.clone(), augmenting(), cache(&tree)).unwrap();
        let (fresh, _) = build(samples, augmenting(), Cache::Ram).unwrap();
        assert_eq!(views.plain(&[1]).unwrap(), fresh.plain(&[1]).unwrap());
    }

    #[test]
    fn a_damaged_file_is_made_anew() {
        let tree = Tree::new();
        let samples = on_disk(&tree, 3);
        let (fresh, _) = build(samples.clone(), augmenting(), Cache::Ram).unwrap();
        build(samples.clone(), augmenting(), cache(&tree)).unwrap();
        let file = files(&tree).remove(0);
        let whole = fs::read(&file).unwrap();
        let flipped = |at: usize| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            bytes
        };
        let damaged =
            [flipped(0), flipped(20), flipped(60), flipped(4200), whole[..4500].to_vec(), Vec::new()];
        for bytes in damaged {
            fs::write(&file, bytes).unwrap();
            let (views, _) = build(samples.clone(), augmenting(), cache(&tree)).unwrap();
            assert_eq!(views.plain(&[0, 1, 2]).unwrap(), fresh.plain(&[0, 1, 2]).unwrap());
            drop(views);
            assert_eq!(fs::read(&file).unwrap(), whole);
        }
    }
}
