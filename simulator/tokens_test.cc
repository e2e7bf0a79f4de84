#include "simulator/tokens.h"

#include <map>
#include <string>

#include "gtest/gtest.h"

namespace simulator {
namespace {

using Form = std::map<std::string, std::string>;

// base64 of "id:secret" and of "id:other"
constexpr char kApp[] = "Basic aWQ6c2VjcmV0";
constexpr char kOtherApp[] = "Basic aWQ6b3RoZXI=";

class TokensTest : public ::testing::Test {
 protected:
  Answer Refresh(Tokens& tokens, const std::string& token) {
    return tokens.Grant(
        kApp, {{"grant_type", "refresh_token"}, {"refresh_token", token}},
        switches_, now_);
  }
  bool Good(const Tokens& tokens, const std::string& token) {
    return tokens.CheckBearer("Bearer " + token, now_).good;
  }

  Switches switches_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
};

TEST_F(TokensTest, AnyBearerIsGoodUntilOneIsNamed) {
  Tokens open{Tokens::Options{}};
  EXPECT_TRUE(Good(open, "anything"));
  EXPECT_FALSE(open.CheckBearer("", now_).good);
  EXPECT_FALSE(open.CheckBearer("Bearer ", now_).good);
  EXPECT_FALSE(open.CheckBearer("Basic YTpi", now_).good);
  Tokens::Options options;
  options.access_token = "pina_only";
  Tokens closed{options};
  EXPECT_TRUE(Good(closed, "pina_only"));
  EXPECT_FALSE(Good(closed, "pina_other"));
}

TEST_F(TokensTest, ARefreshGivesANewPairWithEveryDocumentedField) {
  Tokens tokens{Tokens::Options{}};
  Answer answer = Refresh(tokens, "pinr_old");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body["token_type"], "bearer");
  EXPECT_EQ(answer.body["expires_in"], 2592000);
  EXPECT_EQ(answer.body["refresh_token_expires_in"], 5184000);
  EXPECT_EQ(answer.body["refresh_token_expires_at"], 1'700'000'000 + 5184000);
  EXPECT_EQ(answer.body["response_type"], "refresh_token");
  EXPECT_NE(answer.body["refresh_token"], "pinr_old");
  EXPECT_EQ(answer.body["access_token"].get<std::string>().substr(0, 5),
            "pina_");
  EXPECT_TRUE(Good(tokens, answer.body["access_token"]));
}

TEST_F(TokensTest, GivenTokensExpire) {
  Tokens tokens{Tokens::Options{}};
  Answer answer = Refresh(tokens, "pinr_old");
  now_ += absl::Hours(30 * 24);
  EXPECT_FALSE(Good(tokens, answer.body["access_token"]));
  EXPECT_EQ(Refresh(tokens, answer.body["refresh_token"]).status, 200);
  now_ += absl::Hours(31 * 24);
  EXPECT_EQ(Refresh(tokens, answer.body["refresh_token"]).status, 400);
}

TEST_F(TokensTest, SwitchTheOldRefreshTokenDiesAtOnce) {
  Tokens tokens{Tokens::Options{}};
  EXPECT_EQ(Refresh(tokens, "a").status, 200);
  EXPECT_EQ(Refresh(tokens, "a").status, 200);
  switches_.old_refresh_token_dead_at_once = true;
  Answer answer = Refresh(tokens, "a");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(Refresh(tokens, "a").status, 400);
  EXPECT_EQ(Refresh(tokens, answer.body["refresh_token"]).status, 200);
}

TEST_F(TokensTest, SwitchContinuousRefreshMustBeAskedFor) {
  switches_.continuous_refresh_required = true;
  Tokens tokens{Tokens::Options{}};
  Form form = {{"grant_type", "refresh_token"}, {"refresh_token", "a"}};
  EXPECT_EQ(tokens.Grant(kApp, form, switches_, now_).status, 400);
  form["continuous_refresh"] = "true";
  EXPECT_EQ(tokens.Grant(kApp, form, switches_, now_).status, 200);
}

TEST_F(TokensTest, AppsMustSayWhoTheyAre) {
  Tokens::Options options;
  options.app_id = "id";
  options.app_secret = "secret";
  Tokens tokens{options};
  Form form = {{"grant_type", "refresh_token"}, {"refresh_token", "a"}};
  EXPECT_EQ(tokens.Grant(kApp, form, switches_, now_).status, 200);
  EXPECT_EQ(tokens.Grant(kOtherApp, form, switches_, now_).status, 401);
  EXPECT_EQ(tokens.Grant("", form, switches_, now_).status, 401);
  EXPECT_EQ(tokens.Grant("Basic !!", form, switches_, now_).status, 401);
  EXPECT_EQ(tokens.Grant("Bearer x", form, switches_, now_).status, 401);
}

TEST_F(TokensTest, ACodeIsGoodOnceAndForItsRedirect) {
  Tokens tokens{Tokens::Options{}};
  std::string code = tokens.MakeCode("http://localhost/cb");
  Form form = {{"grant_type", "authorization_code"},
               {"code", code},
               {"redirect_uri", "http://elsewhere/"}};
  EXPECT_EQ(tokens.Grant(kApp, form, switches_, now_).status, 400);
  form["redirect_uri"] = "http://localhost/cb";
  Answer answer = tokens.Grant(kApp, form, switches_, now_);
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.body.contains("refresh_token"));
  EXPECT_EQ(tokens.Grant(kApp, form, switches_, now_).status, 400);
  form.erase("redirect_uri");
  EXPECT_EQ(tokens.Grant(kApp, form, switches_, now_).status, 400);
}

TEST_F(TokensTest, ClientCredentialsHaveNoUserAndNoRefreshToken) {
  Tokens tokens{Tokens::Options{}};
  Form form = {{"grant_type", "client_credentials"}};
  EXPECT_EQ(tokens.Grant(kApp, form, switches_, now_).status, 400);
  form["scope"] = "ads:read";
  Answer answer = tokens.Grant(kApp, form, switches_, now_);
  EXPECT_EQ(answer.status, 200);
  EXPECT_FALSE(answer.body.contains("refresh_token"));
  Tokens::Check check = tokens.CheckBearer(
      "Bearer " + answer.body["access_token"].get<std::string>(), now_);
  EXPECT_TRUE(check.good);
  EXPECT_TRUE(check.client_only);
  EXPECT_EQ(check.scopes, std::set<std::string>{"ads:read"});
  EXPECT_EQ(
      tokens.Grant(kApp, {{"grant_type", "password"}}, switches_, now_).status,
      400);
}

TEST_F(TokensTest, TokensCanBeSetAndABadSettingChangesNothing) {
  Tokens tokens{Tokens::Options{}};
  ASSERT_TRUE(tokens
                  .Set(nlohmann::json::parse(R"({
    "accept_any": false,
    "access_tokens": [
      {"access_token": "good"},
      {"access_token": "short", "expires_in": 10},
      {"access_token": "old", "state": "expired"},
      {"access_token": "taken back", "state": "revoked"}],
    "refresh_tokens": [{"refresh_token": "r"}]})"),
                       now_)
                  .ok());
  EXPECT_TRUE(Good(tokens, "good"));
  EXPECT_TRUE(Good(tokens, "short"));
  EXPECT_FALSE(Good(tokens, "old"));
  EXPECT_FALSE(Good(tokens, "taken back"));
  EXPECT_FALSE(Good(tokens, "unknown"));
  EXPECT_EQ(Refresh(tokens, "r").status, 200);
  EXPECT_EQ(Refresh(tokens, "unknown").status, 400);
  now_ += absl::Seconds(10);
  EXPECT_FALSE(Good(tokens, "short"));
  for (const char* wrong : {R"([])", R"({"accept_any": 1})", R"({"other": 1})",
                            R"({"access_tokens": [{"state": "valid"}]})",
                            R"({"accept_any": true,
            "access_tokens": [{"access_token": "a", "state": "odd"}]})"}) {
    EXPECT_EQ(tokens.Set(nlohmann::json::parse(wrong), now_).code(),
              absl::StatusCode::kInvalidArgument)
        << wrong;
  }
  EXPECT_FALSE(Good(tokens, "unknown"));
}

TEST_F(TokensTest, InspectionShowsNoToken) {
  Tokens tokens{Tokens::Options{}};
  Refresh(tokens, "pinr_secret");
  std::string shown = tokens.Inspect(now_).dump();
  EXPECT_EQ(shown.find("pin"), std::string::npos);
  EXPECT_EQ(tokens.Inspect(now_)["grants"], 1);
}

TEST(ParseFormTest, DecodesAndKeepsTheFirst) {
  EXPECT_EQ(ParseForm("a=1&b=x%2Fy+z&a=2&c&d=%zz"),
            (Form{{"a", "1"}, {"b", "x/y z"}, {"c", ""}, {"d", "%zz"}}));
}

}  // namespace
}  // namespace simulator
