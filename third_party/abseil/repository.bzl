"""The parts of Abseil that matter to ThreadSanitizer, from Debian's source package.

Their sources only: the headers are those of the installed libabsl-dev, so both
are of one version and one ABI, Debian's inline namespace included. The digest
below pins what is built.
"""

_PACKAGE = "abseil"
_SHA256 = "abfe2897f3a30edaa74bc34365afe3c2a3cd012091a97dc7e008f7016adcd5fe"

_BUILD = """
load("@rules_cc//cc:defs.bzl", "cc_library")

# Linked whole and into the program itself, so that the program's symbols go
# before those of the shared libraries.
cc_library(
    name = "abseil",
    srcs = glob(
        [
            "absl/base/**/*.cc",
            "absl/random/internal/pool_urbg.cc",
            "absl/status/*.cc",
            "absl/strings/cord*.cc",
            "absl/strings/internal/cord*.cc",
            "absl/synchronization/**/*.cc",
            "absl/time/*.cc",
        ],
        exclude = [
            "**/*_benchmark*.cc",
            "**/*_test*.cc",
            "**/*exception_safety*.cc",
        ],
    ),
    textual_hdrs = glob(["absl/time/internal/*.inc"]),
    alwayslink = True,
    linkstatic = True,
    visibility = ["//visibility:public"],
)
"""

def _impl(ctx):
    version = ctx.execute(["dpkg-query", "-W", "-f", "${source:Version}", "libabsl-dev"])
    if version.return_code != 0:
        fail("libabsl-dev is not installed")
    result = ctx.execute(
        ["bash", str(ctx.path(ctx.attr._fetch)), _PACKAGE, version.stdout, _SHA256],
        timeout = 600,
    )
    if result.return_code != 0:
        fail("fetching the source of Abseil failed:\n" + result.stdout + result.stderr)
    ctx.execute(["find", "absl", "-name", "*.h", "-delete"])
    ctx.execute(["find", ".", "-name", "BUILD*", "-delete"])
    ctx.file("BUILD.bazel", _BUILD)

debian_abseil = repository_rule(
    implementation = _impl,
    attrs = {"_fetch": attr.label(default = "//third_party:fetch_source.sh")},
)
