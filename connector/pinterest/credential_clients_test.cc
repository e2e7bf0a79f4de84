#include "connector/pinterest/credential_clients.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "connector/base/fake_clock.h"
#include "connector/base/fake_random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace connector::pinterest {
namespace {

class RecordingTransport final : public HttpTransport {
 public:
  HttpResult Perform(const HttpRequest& request) override {
    std::string authorization;
    for (const auto& [name, value] : request.headers) {
      if (name == "Authorization") authorization = value;
    }
    urls.push_back(request.url);
    authorizations.push_back(authorization);
    HttpResponse response;
    response.status = 200;
    response.body = R"({"id":"549755885175","name":"Shop"})";
    return response;
  }

  std::vector<std::string> urls;
  std::vector<std::string> authorizations;
};

class CredentialClientsTest : public testing::Test {
 protected:
  CredentialClientsTest()
      : dir_(absl::StrCat(
            std::getenv("TEST_TMPDIR"), "/",
            testing::UnitTest::GetInstance()->current_test_info()->name())) {
    mkdir(dir_.c_str(), 0700);
    TokenSources::Options sources;
    sources.credentials_dir = dir_;
    sources.tokens_dir = dir_ + "/tokens";
    sources.base_url = "https://api.pinterest.example/v5";
    sources.transport = &transport_;
    sources.clock = &clock_;
    sources.random = &random_;
    auto tokens = TokenSources::Create(sources);
    EXPECT_TRUE(tokens.ok()) << tokens.status();
    tokens_ = *std::move(tokens);
    CredentialClients::Options options;
    options.tokens = tokens_.get();
    options.base_url = "https://api.pinterest.example/v5";
    options.transport = &transport_;
    options.clock = &clock_;
    auto provider = CredentialClients::Create(options);
    EXPECT_TRUE(provider.ok()) << provider.status();
    provider_ = *std::move(provider);
  }

  void Write(const std::string& name, const std::string& content) {
    const std::string path = absl::StrCat(dir_, "/", name);
    std::ofstream(path) << content;
    chmod(path.c_str(), 0600);
  }

  const std::string dir_;
  FakeClock clock_;
  FakeRandom random_{1};
  RecordingTransport transport_;
  std::unique_ptr<TokenSources> tokens_;
  std::unique_ptr<CredentialClients> provider_;
};

TEST_F(CredentialClientsTest, GivesTheSameClientForTheSameFile) {
  auto first = provider_->ClientFor("main.token");
  auto again = provider_->ClientFor("main.token");
  auto other = provider_->ClientFor("other.token");
  ASSERT_TRUE(first.ok() && again.ok() && other.ok());
  EXPECT_EQ(*first, *again);
  EXPECT_NE(*first, *other);
}

TEST_F(CredentialClientsTest, AClientSendsTheTokenThatIsInItsFileNow) {
  Write("main.token", "pina_first\n");
  auto client = provider_->ClientFor("main.token");
  ASSERT_TRUE(client.ok());
  EXPECT_TRUE((*client)->GetAdAccount("549755885175").ok());
  Write("main.token", "pina_second\n");
  EXPECT_TRUE((*client)->GetAdAccount("549755885175").ok());
  EXPECT_THAT(transport_.authorizations,
              testing::ElementsAre("Bearer pina_first", "Bearer pina_second"));
  EXPECT_EQ(transport_.urls[0],
            "https://api.pinterest.example/v5/ad_accounts/549755885175");
}

TEST_F(CredentialClientsTest, AMissingTokenShowsWhenACallIsMade) {
  auto client = provider_->ClientFor("later.token");
  ASSERT_TRUE(client.ok());
  auto missing = (*client)->GetAdAccount("549755885175");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().error_class, ErrorClass::kUnauthorized);
  EXPECT_EQ(missing.call().http_status, 0);
  EXPECT_THAT(transport_.urls, testing::IsEmpty());
  Write("later.token", "pina_there");
  EXPECT_TRUE((*client)->GetAdAccount("549755885175").ok());
}

TEST_F(CredentialClientsTest, RefusesAPathInsteadOfAFileName) {
  for (const char* name : {"../main.token", "/etc/passwd", "a/b", ".", ""}) {
    EXPECT_EQ(provider_->ClientFor(name).status().code(),
              absl::StatusCode::kInvalidArgument)
        << name;
    EXPECT_FALSE(tokens_->Check(name).ok()) << name;
  }
}

TEST_F(CredentialClientsTest, ChecksATokenWithoutCallingPinterest) {
  EXPECT_EQ(tokens_->Check("main.token").code(),
            absl::StatusCode::kFailedPrecondition);
  Write("main.token", "pina_abc");
  EXPECT_TRUE(tokens_->Check("main.token").ok());
  Write("main.token", "pina_abc with blanks");
  const absl::Status bad = tokens_->Check("main.token");
  EXPECT_FALSE(bad.ok());
  EXPECT_FALSE(absl::StrContains(bad.message(), "pina_abc"));
  EXPECT_THAT(transport_.urls, testing::IsEmpty());
}

TEST(CredentialClientsCreateTest, RefusesABadBaseUrl) {
  RecordingTransport transport;
  FakeClock clock;
  TokenSources::Options sources;
  sources.credentials_dir = "/nowhere";
  sources.base_url = "https://api.pinterest.example/v5";
  sources.transport = &transport;
  sources.clock = &clock;
  auto tokens = TokenSources::Create(sources);
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  CredentialClients::Options options;
  options.tokens = tokens->get();
  options.transport = &transport;
  options.clock = &clock;
  for (const char* url :
       {"", "ftp://x/v5", "http://api.pinterest.com/v5", "https://"}) {
    options.base_url = url;
    EXPECT_EQ(CredentialClients::Create(options).status().code(),
              absl::StatusCode::kInvalidArgument)
        << url;
    sources.base_url = url;
    EXPECT_EQ(TokenSources::Create(sources).status().code(),
              absl::StatusCode::kInvalidArgument)
        << url;
  }
  options.base_url = "http://127.0.0.1:8080/v5";
  EXPECT_TRUE(CredentialClients::Create(options).ok());
}

}  // namespace
}  // namespace connector::pinterest
