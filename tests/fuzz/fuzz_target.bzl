"""A fuzz target, and the test that replays its corpus."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_test")

def fuzz_target(name, deps, hdrs = []):
    """`name`.cc holds LLVMFuzzerTestOneInput, //testdata/fuzz/`name` its inputs.

    `name` is the libFuzzer program (clang only: tools/fuzz.sh builds and runs
    it); `name`_replay_test runs the same function over the corpus, with any
    compiler.
    """
    cc_binary(
        name = name,
        testonly = True,
        srcs = [
            "fuzz.h",
            name + ".cc",
        ] + hdrs,
        linkopts = ["-fsanitize=fuzzer"],
        tags = [
            "fuzz",
            "manual",
        ],
        deps = deps + ["//third_party:abseil"],
    )
    cc_test(
        name = name + "_replay_test",
        size = "small",
        srcs = [
            "fuzz.h",
            "replay.cc",
            name + ".cc",
        ] + hdrs,
        args = ["testdata/fuzz/" + name],
        data = ["//testdata/fuzz:" + name],
        deps = deps + [
            "//third_party:abseil",
            "//third_party:googletest",
        ],
    )
