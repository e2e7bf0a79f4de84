"""BoringSSL from Debian's source package, fetched with the machine's own apt sources.

Needs no root and changes nothing on the machine: apt gets a private state, cache
and source list. The digest below pins what is built.
"""

_PACKAGE = "android-platform-external-boringssl"
_VERSION = "13.0.0+r24-2"
_SHA256 = "583b7aeee1fca68b8244d086cea6fca23bd19d517bd63f0b9de714e048f92a7d"

def _impl(ctx):
    fetch = ctx.path(ctx.attr._fetch)
    result = ctx.execute(
        ["bash", str(fetch), _PACKAGE, _VERSION, _SHA256],
        timeout = 600,
    )
    if result.return_code != 0:
        fail("fetching the source of BoringSSL failed:\n" + result.stdout + result.stderr)

debian_boringssl = repository_rule(
    implementation = _impl,
    attrs = {"_fetch": attr.label(default = "//third_party:fetch_source.sh")},
)
