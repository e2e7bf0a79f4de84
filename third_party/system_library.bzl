"""A library installed on the system."""

load("@rules_cc//cc:defs.bzl", "cc_library")

def system_library(name, libs = [], deps = [], defines = [], alwayslink = False, **kwargs):
    """Links `libs` (names as after -l) into whatever depends on it."""
    flags = ["-l" + lib for lib in libs] + ["-lpthread"]
    if alwayslink:
        flags = ["-Wl,--push-state,--no-as-needed"] + flags + ["-Wl,--pop-state"]
    cc_library(
        name = name,
        linkopts = flags,
        defines = defines,
        deps = deps,
        **kwargs
    )
