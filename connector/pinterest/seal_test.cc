#include "connector/pinterest/seal.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace connector::pinterest {
namespace {

constexpr char kText[] = R"({"refresh_token":"pinr_canary"})";

TEST(SealTest, OpensWhatItSealed) {
  for (const std::string& text :
       {std::string(), std::string("x"), std::string(kText),
        std::string(100'000, '\xFF')}) {
    auto opened = Unseal("secret", "main", Seal("secret", "main", text));
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(*opened, text);
  }
}

TEST(SealTest, ShowsNothingAndNeverTheSameTwice) {
  const std::string sealed = Seal("secret", "main", kText);
  EXPECT_FALSE(absl::StrContains(sealed, "canary"));
  EXPECT_FALSE(absl::StrContains(sealed, "secret"));
  EXPECT_NE(sealed, Seal("secret", "main", kText));
}

TEST(SealTest, RefusesAnotherSecretAnotherContextAndAnyChangedByte) {
  const std::string sealed = Seal("secret", "main", kText);
  EXPECT_EQ(Unseal("Secret", "main", sealed).status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_FALSE(Unseal("secret", "other", sealed).ok());
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] ^= 1;
    EXPECT_FALSE(Unseal("secret", "main", changed).ok()) << i;
    EXPECT_FALSE(Unseal("secret", "main", sealed.substr(0, i)).ok()) << i;
  }
  EXPECT_FALSE(Unseal("secret", "main", sealed + "x").ok());
}

TEST(SealTest, HasTheFormItSays) {
  const std::string sealed = Seal("secret", "main", "text");
  EXPECT_EQ(sealed.substr(0, 4), "ACS1");
  EXPECT_EQ(sealed.size(), 4u + 32 + 12 + 4 + 16);
}

}  // namespace
}  // namespace connector::pinterest
