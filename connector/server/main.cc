#include "connector/server/program.h"

int main(int argc, char** argv) {
  return connector::server::RunProgram(argc, argv);
}
