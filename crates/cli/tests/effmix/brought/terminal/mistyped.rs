//! Words that are nearly right.

use super::*;

#[test]
fn a_flag_a_value_a_command_get_the_nearest_one() {
    let folder = Folder::new();
    for (args, meant) in [
        (&["trian"][..], "'train'"),
        (&["train", "--lamda-u", "3"], "'--lambda-u'"),
        (&["train", "--method", "dividmix"], "'dividemix'"),
        (&["train", "--preset", "cifar10-sym2"], "'cifar10-sym20'"),
        (&["train", "--freeze", "bakcbone"], "'backbone'"),
        (&["train", "--schedule", "cosin"], "'cosine'"),
        (&["train", "--cache", "dsik"], "'disk'"),
        (&["bench", "--method", "mixpu"], "'mixup'"),
        (&["bench", "--mode", "trian"], "'train'"),
        (&["predict", "run", "x.png", "--tta", "flpi"], "'flip'"),
        (&["noise", "data", "--out", "n.csv", "--rate", "1", "--kind", "symetric"], "'symmetric'"),
        (&["scale", "serach"], "'search'"),
        (&["completions", "bsh"], "'bash'"),
        (&["help", "evalute"], "'evaluate'"),
    ] {
        let message = folder.fails(2, args);
        assert!(message.contains(meant), "{args:?}: {message}");
    }
}

#[test]
fn a_key_of_a_settings_file_gets_its_place_and_the_nearest_one() {
    let folder = Folder::with_images(4);
    for (text, expected) in [
        (
            "epochs = 3\nlamda-u = 25\n",
            "s.toml: line 2, column 1: unknown key \"lamda-u\"; did you mean \"lambda-u\"?",
        ),
        ("lambda_u = 25\n", "did you mean \"lambda-u\"?"),
        ("Epochs = 3\n", "did you mean \"epochs\"?"),
        (
            "method = \"dividmix\"\n",
            "line 1, column 10: unknown value \"dividmix\"; did you mean \"dividemix\"?",
        ),
        ("epochs = \"many\"\n", "line 1, column 10: invalid type: string \"many\", expected usize"),
        ("epochs = \n", "line 1, column "),
    ] {
        folder.put("s.toml", text);
        let message = folder.fails(1, &["train", "data", "--config", "s.toml"]);
        assert!(message.contains(expected) && message.lines().count() == 1, "{text}: {message}");
    }
}

#[test]
fn a_class_gets_the_nearest_that_the_model_knows() {
    let folder = Folder::with_images(6);
    folder.train("run", &["--method", "ce", "--warmup", "3"]);
    folder.put_image("other/gren/0.png", 1, 0);
    folder.put_image("other/red/0.png", 2, 0);
    let told = stderr(&folder.output(&["evaluate", "run", "other"]));
    assert!(told.contains("of \"gren\" (1); did you mean \"green\"?"), "{told}");
    folder.put("t.csv", "blue,gren,red\n1,0,0\n0,1,0\n0,0,1\n");
    let message = folder.fails(1, &["noise", "data", "--out", "n.csv", "--transition", "t.csv"]);
    assert!(message.contains("t.csv, line 1") && message.contains("did you mean \"green\"?"), "{message}");
}
