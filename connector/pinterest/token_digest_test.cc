#include "connector/pinterest/token_digest.h"

#include "gtest/gtest.h"

namespace connector::pinterest {
namespace {

class FixedToken final : public TokenSource {
 public:
  explicit FixedToken(absl::StatusOr<std::string> token)
      : token_(std::move(token)) {}
  absl::StatusOr<std::string> AccessToken() override { return token_; }

 private:
  const absl::StatusOr<std::string> token_;
};

TEST(TokenDigestTest, IsTheSha256OfTheToken) {
  FixedToken source("abc");  // The example of FIPS 180.
  EXPECT_EQ(TokenDigest(source).value(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(TokenDigestTest, PassesTheErrorOn) {
  FixedToken source(absl::FailedPreconditionError("none"));
  EXPECT_EQ(TokenDigest(source).status(),
            absl::FailedPreconditionError("none"));
}

}  // namespace
}  // namespace connector::pinterest
