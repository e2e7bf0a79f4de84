// What the sanitizers take for granted in every program of --config=tsan, child
// processes of tests included.

extern "C" {

// Only what happens inside system libraries that are not instrumented: what
// orders their own threads (atomics) is not seen. ProtoBufferReader and
// SerializationTraits are gRPC's, in headers: a message is read in place from
// the memory that gRPC's thread received it into. And how Abseil wakes a
// thread: it counts on what orders the queue of the mutex, which it hides from
// the sanitizer. Nothing of this project runs inside of either.
const char* __tsan_default_suppressions() {
  return "race:librocksdb.so\n"
         "race:libgrpc.so\n"
         "race:libgrpc++.so\n"
         "race:^grpc::ProtoBufferReader::\n"
         "race:^grpc::SerializationTraits<*>::Deserialize\n"
         "race:synchronization_internal::Waiter::\n";
}

const char* __tsan_default_options() { return "second_deadlock_stack=1"; }
}
