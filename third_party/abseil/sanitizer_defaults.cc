// What the sanitizers take for granted in every program of --config=tsan, child
// processes of tests included.

extern "C" {

// Only what happens inside system libraries that are not instrumented: what
// orders their own threads (atomics) is not seen.
const char* __tsan_default_suppressions() {
  return "race:librocksdb.so\n"
         "race:libgrpc.so\n"
         "race:libgrpc++.so\n";
}

const char* __tsan_default_options() { return "second_deadlock_stack=1"; }
}
