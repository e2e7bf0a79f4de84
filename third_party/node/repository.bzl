"""The npm packages of the example host (examples/node), as its lock file pins them.

npm fetches them from where the machine is set up to, and checks their digests;
no address stands in the project. They come as one archive: a test unpacks it.
"""

_FILES = ["package.json", "package-lock.json", ".npmrc"]

def _impl(ctx):
    for name in _FILES:
        ctx.file(name, ctx.read(ctx.path(Label("//examples/node:" + name))))
    if ctx.which("npm") == None:
        fail("npm is needed for the example in Node and its test: tools/install_node.sh")
    # A new machine's first download may be cut off.
    for attempt in range(3):
        result = ctx.execute(["npm", "ci", "--omit=dev"], timeout = 300)
        if result.return_code == 0:
            break
    if result.return_code != 0:
        fail("npm could not fetch the packages of examples/node:\n" + result.stdout + result.stderr)
    result = ctx.execute(["tar", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "-cf", "node_modules.tar", "node_modules"])
    if result.return_code != 0:
        fail(result.stderr)
    ctx.delete("node_modules")
    ctx.file("BUILD.bazel", 'exports_files(["node_modules.tar"])\n')

npm_packages = repository_rule(implementation = _impl)
