"""C++ from .proto files by the system's protoc."""

load("@rules_cc//cc:defs.bzl", "cc_library")

def cc_system_proto_library(name, srcs, root, include = None, grpc = [], deps = [], **kwargs):
    """Compiles `srcs` into a C++ library.

    Args:
      name: of the library.
      srcs: the files, below `root`; their generated headers are included relative to it.
      root: the folder that import paths start at, relative to this package.
      include: an absolute folder of the system that holds the sources instead of this package.
      grpc: which of `srcs` declare services.
      deps: other libraries made by this.
      **kwargs: of cc_library.
    """
    headers = []
    sources = []
    for src in srcs:
        stem = src[:-len(".proto")]
        kinds = [".pb"] + ([".grpc.pb"] if src in grpc else [])
        headers += [stem + kind + ".h" for kind in kinds]
        sources += [stem + kind + ".cc" for kind in kinds]
    relative = [src[len(root) + 1:] if root else src for src in srcs]
    package = native.package_name()
    out = "$(RULEDIR)/" + root if root else "$(RULEDIR)"
    proto_path = include if include else (package + "/" + root if root else package)
    command = "protoc -I{path} -I/usr/share/gocode/src/github.com/gogo/googleapis --cpp_out={out} {files}".format(
        path = proto_path,
        out = out,
        files = " ".join(relative),
    )
    if grpc:
        command += " && protoc -I{path} -I/usr/share/gocode/src/github.com/gogo/googleapis --plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin --grpc_out={out} {files}".format(
            path = proto_path,
            out = out,
            files = " ".join([src[len(root) + 1:] if root else src for src in grpc]),
        )
    native.genrule(
        name = name + "_generate",
        srcs = [] if include else srcs,
        outs = headers + sources,
        cmd = command,
    )
    cc_library(
        name = name,
        srcs = sources,
        hdrs = headers,
        copts = ["-w"],
        includes = [root if root else "."],
        deps = deps + ["//third_party:grpc" if grpc else "//third_party:protobuf"],
        **kwargs
    )
