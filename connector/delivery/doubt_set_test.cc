#include "connector/delivery/doubt_set.h"

#include <string>

#include "gtest/gtest.h"

namespace connector::delivery {
namespace {

using identity_mapping::Record;
using identity_mapping::RecordView;

Record Make(char first) {
  const std::string encoded = std::string("\x04") + first;
  return Record::FromView(*RecordView::FromEncoded(encoded));
}

membership::Doubt MakeDoubt(char first, char last) {
  membership::Doubt doubt;
  doubt.first = Make(first);
  doubt.last = Make(last);
  return doubt;
}

std::string Contained(const DoubtSet& set) {
  std::string contained;
  for (char c = 'a'; c <= 'p'; ++c) {
    if (set.Contains(Make(c))) contained += c;
  }
  return contained;
}

TEST(DoubtSetTest, ContainsBothEndsAndAllBetween) {
  EXPECT_EQ(Contained(DoubtSet({MakeDoubt('c', 'e')})), "cde");
  EXPECT_EQ(Contained(DoubtSet({MakeDoubt('c', 'c')})), "c");
  EXPECT_EQ(Contained(DoubtSet()), "");
}

TEST(DoubtSetTest, RangesMayOverlapAndComeInAnyOrder) {
  EXPECT_EQ(Contained(DoubtSet({MakeDoubt('k', 'm'), MakeDoubt('b', 'h'),
                                MakeDoubt('c', 'd'), MakeDoubt('g', 'i')})),
            "bcdefghiklm");
}

TEST(DoubtSetTest, TellsAdditionsFromRemovals) {
  membership::Doubt removal = MakeDoubt('b', 'c');
  removal.change = membership::Change::kRemove;
  const DoubtSet set({MakeDoubt('e', 'f'), removal});
  EXPECT_EQ(Contained(set), "bcef");
  EXPECT_TRUE(set.Contains(membership::Change::kRemove, Make('b')));
  EXPECT_FALSE(set.Contains(membership::Change::kAdd, Make('b')));
  EXPECT_TRUE(set.Contains(membership::Change::kAdd, Make('e')));
}

}  // namespace
}  // namespace connector::delivery
