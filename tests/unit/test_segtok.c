/* test_segtok.c - where sentences and tokens end. The expected values of the examples are what
 * SegtokSentenceSplitter of Flair 0.15.1 (segtok 1.5.11) gives for them: tokens parted by blanks, sentences by bars. */
#include "base/error.h"
#include "base/utf8.h"
#include "harness.h"
#include "text/segtok.h"
#include <stdio.h>
#include <string.h>

struct example {
    const char *text, *expected;
};

static struct window split_text(const char *text)
{
    struct window window;
    struct ft_error error = {""};
    window_init(&window);
    ck_assert_msg(segtok_split(&window, text, strlen(text), &error) == FT_OK, "%s", error.text);
    return window;
}

/* The byte at which character `chars` of valid UTF-8 begins. */
static size_t byte_of(const char *text, size_t bytes, size_t chars)
{
    size_t at = 0;
    uint32_t c;
    while (chars-- > 0)
        at += utf8_decode(text + at, bytes - at, &c);
    return at;
}

static void describe(const struct window *window, char *out, size_t room)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < window->count; i++)
        for (size_t t = 0; t < window->sentences[i].count && used < room; t++)
            used += (size_t)snprintf(out + used, room - used, "%s%s",
                                     t   ? " "
                                     : i ? " | "
                                         : "",
                                     window->sentences[i].tokens[t].text);
}

/* Of clean text, so every token must also lie in the source as it stands. */
static void check_examples(const struct example *examples, size_t count)
{
    for (size_t e = 0; e < count; e++) {
        const char *text = examples[e].text;
        size_t bytes = strlen(text);
        struct window window = split_text(text);
        char got[1024];
        describe(&window, got, sizeof got);
        ck_assert_str_eq(got, examples[e].expected);
        for (size_t i = 0; i < window.count; i++)
            for (size_t t = 0; t < window.sentences[i].count; t++) {
                const struct token *token = &window.sentences[i].tokens[t];
                size_t from = byte_of(text, bytes, token->start), to = byte_of(text, bytes, token->end);
                ck_assert_uint_eq(token->bytes, to - from);
                ck_assert_uint_eq(token->chars, token->end - token->start);
                ck_assert_msg(!memcmp(text + from, token->text, to - from), "'%s' is not at %u in '%s'", token->text,
                              token->start, text);
                ck_assert_uint_eq(strlen(token->text), token->bytes);
            }
        window_release(&window);
    }
}

START_TEST(a_sentence_ends_at_a_terminal_and_white_space)
{
    static const struct example examples[] = {
        {"The kettle sings. Nobody listens! Why not? Ask Ida.",
         "The kettle sings . | Nobody listens ! | Why not ? | Ask Ida ."},
        {"One.Two stays in one piece.", "One.Two stays in one piece ."},
        {"Stop!! Go on.", "Stop ! ! | Go on ."},
        {"What?! Never.", "What ? ! | Never ."},
        {"Ende! 12 goats came.", "Ende ! | 12 goats came ."},
        {"No end here", "No end here"},
        {"  Blanks before. And after.  ", "Blanks before . | And after ."},
        {"Wait . Then go .", "Wait . Then go ."},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

START_TEST(closing_quotes_and_brackets_belong_to_the_sentence)
{
    static const struct example examples[] = {
        {"\"We sail at dawn.\" Olga nodded.", "\" We sail at dawn . \" | Olga nodded ."},
        {"'Leave it.' She left.", "' Leave it . ' | She left ."},
        {"He said “Enough.” Then silence.", "He said “ Enough . ” | Then silence ."},
        {"It rained (as always.) Nobody cared.", "It rained ( as always . ) | Nobody cared ."},
        {"It rained [as always.]) Nobody cared.", "It rained [ as always . ]) | Nobody cared ."},
        {"\"Go!\" cried the miller.", "\" Go !\" cried the miller ."},
        {"(Hurry!) said the miller.", "( Hurry !) said the miller ."},
        {"She sang ‘Now.’ Then bowed.", "She sang ‘ Now.’ | Then bowed ."},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

START_TEST(abbreviations_end_no_sentence)
{
    static const struct example examples[] = {
        {"Dr. Weber met Mrs. Lund on Mt. Elm.", "Dr. Weber met Mrs. Lund on Mt. Elm ."},
        {"See Fig. 3 and figs. 4 and 5, i.e. Both.", "See Fig. 3 and figs. 4 and 5 , i.e. Both ."},
        {"Try e.g. Basil or approx. Two leaves.", "Try e.g. Basil or approx. Two leaves ."},
        {"The U.S. Navy and the U.K. Fleet met.", "The U.S. Navy and the U.K. Fleet met ."},
        {"Born 3 Sept. 1901 in St. Gall.", "Born 3 Sept. 1901 in St. Gall ."},
        {"Wolves vs. Bears, vol. Two.", "Wolves vs. Bears , vol. Two ."},
        {"Capt. Ahlers and Col. Brandt met Sgt. Stone.", "Capt. Ahlers and Col. Brandt met Sgt. Stone ."},
        {"A lower capt. Ahlers is none.", "A lower capt . | Ahlers is none ."},
        {"Take z.B. Tee or Z.b. Kaffee or Z.B. Milch.", "Take z.B. Tee or Z.b. Kaffee or Z.B . | Milch ."},
        {"In Jän. Schnee, im Mär. Regen.", "In Jän. Schnee , im Mär. Regen ."},
        {"Inc. Was founded. No. 5 is alive.", "Inc . | Was founded . | No. 5 is alive ."},
        {"Ask at Basel univ. They know.", "Ask at Basel univ. They know ."},
        {"The novel. Was it good?", "The novel . | Was it good ?"},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

START_TEST(single_letters_and_digits_are_no_sentences)
{
    static const struct example examples[] = {
        {"A. This is a list.", "A. This is a list ."},
        {"12. This is the twelfth.", "12. This is the twelfth ."},
        {"1. One 2. Two", "1. One 2 . | Two"},
        {"x. Then y", "x. Then y"},
        {"٣. An Arabic number.", "٣. An Arabic number ."},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

START_TEST(initials_of_people_are_kept)
{
    static const struct example examples[] = {
        {"A play by J. Brandt was shown.", "A play by J. Brandt was shown ."},
        {"We met General A. Lund yesterday.", "We met General A. Lund yesterday ."},
        {"Written by A.-B. Moser in May.", "Written by A. - B. Moser in May ."},
        {"Anna, Ben, and C. Dahl wrote it.", "Anna , Ben , and C. Dahl wrote it ."},
        {"Ben and C. Dahl wrote it.", "Ben and C. Dahl wrote it ."},
        {"A, and B. Then C.", "A , and B . | Then C ."},
        {"X and Y. Then Z.", "X and Y . | Then Z ."},
        {"John W. Tyler left.", "John W. Tyler left ."},
        {"John w. Tyler left.", "John w . | Tyler left ."},
        {"It was he (A. Dahl) who left.", "It was he ( A. Dahl ) who left ."},
        {"It was [B. Kurz] who left.", "It was [ B. Kurz ] who left ."},
        {"Señora P. Gil spoke. Miss Q. Lee sang. Doktor R. Ott slept.",
         "Señora P. Gil spoke . | Miss Q. Lee sang . | Doktor R. Ott slept ."},
        {"They saw vitamin C. Nobody ate it.", "They saw vitamin C . | Nobody ate it ."},
        {"They asked mister A. Lund, miss B. Ott and doctor C. Dahl.",
         "They asked mister A. Lund , miss B. Ott and doctor C. Dahl ."},
        {"Ask captain D. Moor, commander E. Fink or general F. Rau.",
         "Ask captain D. Moor , commander E. Fink or general F. Rau ."},
        {"Ask professor G. Au, magister H. Ley, doktor I. Uhl, señor J. Gil or señorita K. Sol.",
         "Ask professor G. Au , magister H. Ley , doktor I. Uhl , señor J. Gil or señorita K. Sol ."},
        {"Ask sir L. Bell. Then go.", "Ask sir L . | Bell . | Then go ."},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

START_TEST(continuations_join_sentences)
{
    static const struct example examples[] = {
        {"He left at 5 p.m. and came back.", "He left at 5 p.m. and came back ."},
        {"They sold Acme Inc. which was small.", "They sold Acme Inc . | which was small ."},
        {"It broke! of course", "It broke ! of course"},
        {"Stop! whether or not", "Stop ! whether or not"},
        {"Look! with care. Then go.", "Look ! with care . | Then go ."},
        {"Stop! withal", "Stop ! | withal"},
        {"Is it so? has it been?", "Is it so ? has it been ?"},
        {"First. then. Second.", "First . then . | Second ."},
        {"It fell. suddenly it rose.", "It fell . | suddenly it rose ."},
        {"It fell. slowly. It rose.", "It fell . slowly . | It rose ."},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

START_TEST(lower_case_after_a_closing_goes_on)
{
    static const struct example examples[] = {
        {"\"Is it you?\" asked the cook. No.", "\" Is it you ?\" asked the cook . | No ."},
        {"(Was it you?) asked the cook.", "( Was it you ?) asked the cook ."},
        {"The bear Ursus spp. lives here.", "The bear Ursus spp. lives here ."},
        {"A mouse, M. musculus, ran.", "A mouse , M. musculus , ran ."},
        {"Mm. musculus ran.", "Mm. musculus ran ."},
        {" He spoke to Xy. later they left.", "He spoke to Xy. later they left ."},
        {"Help! he cried.", "Help ! | he cried ."},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

START_TEST(dates_keep_their_dot)
{
    static const struct example examples[] = {
        {"On 3. May we left.", "On 3. May we left ."},      {"On 24. Dez. it snowed.", "On 24. Dez. it snowed ."},
        {"On 31. 12. it ended.", "On 31. 12. it ended ."},  {"On 45. May we left.", "On 45 . | May we left ."},
        {"At 3. Then we left.", "At 3 . | Then we left ."}, {"On 07. 03. it began.", "On 07. 03. it began ."},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

START_TEST(brackets_hold_sentences_together)
{
    static const struct example examples[] = {
        {"He knew (she told him. Twice.) that it was late.", "He knew ( she told him. Twice. ) that it was late ."},
        {"It is known [see there. Also here.] that it was late.",
         "It is known [ see there. Also here. ] that it was late ."},
        {"This was shown (Moser et al. 1999) before.", "This was shown ( Moser et al. 1999 ) before ."},
        {"(J. Phys. Chem. 12, 4) is cited.", "( J. Phys. Chem. 12 , 4 ) is cited ."},
        {"(Proc. Acad. Sci. 12: four) is cited.", "( Proc. Acad. Sci. 12 : four ) is cited ."},
        {"A bracket ( never closed. A new sentence follows here.",
         "A bracket ( never closed . | A new sentence follows here ."},
        {"(See J. Bot. (1987) Moss, pages 3.) End.", "( See J. Bot. ( 1987 ) Moss , pages 3 . ) | End ."},
        {"This fragment is certainly longer than fifty-five characters (so it goes on. And this other "
         "fragment is also longer than fifty-five characters) here.",
         "This fragment is certainly longer than fifty-five characters ( so it goes on . | And this other "
         "fragment is also longer than fifty-five characters ) here ."},
        {"One) closes. Two (opens. Three) closes.", "One ) closes . | Two ( opens. Three ) closes ."},
        {"The first part is long enough to be no fragment at all (which has. The rest is here and it goes on) "
         "now.",
         "The first part is long enough to be no fragment at all ( which has. The rest is here and it goes on "
         ") now ."},
        {"The first part is long enough to be no fragment at all, never [which has. The rest is here, and it "
         "goes on and on and on] now.",
         "The first part is long enough to be no fragment at all , never [ which has. The rest is here , and "
         "it goes on and on and on ] now ."},
        {"(see Moser et al. Also Kurz (1990), and more", "( see Moser et al. Also Kurz ( 1990 ) , and more"},
        {"[as in J. Chem. Soc: not closed", "[ as in J. Chem. Soc : not closed"},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

START_TEST(words_keep_inner_marks)
{
    static const struct example examples[] = {
        {"A well-known rock-climber re-\302\255entered.", "A well-known rock-climber re -\302\255 entered ."},
        {"Ratio 3:4, at 12:30, in x:y.", "Ratio 3:4 , at 12:30 , in x : y ."},
        {"Pay 1,000.50 or 3.14, not 1,a.", "Pay 1,000.50 or 3.14 , not 1,a ."},
        {"a,b,c and d, e", "a,b,c and d , e"},
        {"semi;colon and under_score", "semi ; colon and under _ score"},
        {"co‐op and co–op and co—op", "co‐op and co – op and co — op"},
        {"5′-ACGT-3′ is DNA", "5′-ACGT-3′ is DNA"},
        {"U.N.C.L.E. and i.e. this", "U.N.C.L.E. and i.e. this"},
        {"www.ex-ample.org/a,b is a site", "www.ex-ample.org / a,b is a site"},
        {"version 2.0.1-beta.3 is out", "version 2.0.1-beta.3 is out"},
        {"no- dangling -hyphens", "no - dangling - hyphens"},
        {"a--b", "a -- b"},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

START_TEST(marks_at_the_end_of_tokens_come_off)
{
    static const struct example examples[] = {
        {"First, second; third: fourth", "First , second ; third : fourth"},
        {"Look at this,:; now", "Look at this , : ; now"},
        {"Really.,", "Really . ,"},
        {"Is that all?!", "Is that all ? !"},
        {"Is that all ...", "Is that all ..."},
        {"And so on...", "And so on ..."},
        {"And so on… Then more.", "And so on … Then more ."},
        {"etc., he said", "etc. , he said"},
        {"'Quoted', he said", "' Quoted ' , he said"},
        {"The end .", "The end ."},
        {"The .end", "The . end"},
        {"What !?", "What ! ?"},
        {"One ,, two ::", "One , , two : :"},
        {"Go to Rome.)", "Go to Rome . )"},
        {"So he (left.)", "So he ( left . )"},
        {"!x", "! x"},
        {"We saw Rome.~ -", "We saw Rome . ~ -"},
        {"We saw Rome.~ - /", "We saw Rome. ~ - /"},
        {"We saw the girls'(all) hats", "We saw the girls '( all ) hats"},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

START_TEST(contractions_are_parted)
{
    static const struct example examples[] = {
        {"I can't, won't and don't.", "I ca n't , wo n't and do n't ."},
        {"We'll see; they've gone, she's here, I'd go, I'm in, you're out.",
         "We 'll see ; they 've gone , she 's here , I 'd go , I 'm in , you 're out ."},
        {"Don’t say he’s gone, we’ll see.", "Do n’t say he ’s gone , we ’ll see ."},
        {"Anna's and the girls' hats, James' too", "Anna 's and the girls' hats , James' too"},
        {"rock'n'roll o'clock 'tis", "rock'n'roll o'clock ' tis"},
        {"n't is odd, isn't it", "n't is odd , is n't it"},
        {"CAN'T and IT'S", "CAN'T and IT'S"},
        {"mother-in-law's house", "mother-in-law 's house"},
        {"the 1990's and 90s'", "the 1990 's and 90s'"},
        {"could've couldn't've", "could 've couldn't've"},
        {"x't", "x 't"},
        {"_it's A.B's", "_ it 's A.B's"},
        {"foʼs boʼt", "fo ʼs bo ʼt"},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

START_TEST(web_addresses_and_mail_are_cut_like_segtok_cuts_them)
{
    static const struct example examples[] = {
        {"See https://example.org/path?q=1&r=2#top now.",
         "See https :// example.org / path ? q = 1 & r = 2 # top now ."},
        {"Write to ida.moser@mail.example.org today.", "Write to ida.moser @ mail.example.org today ."},
        {"Ping @ida about #winter2020 at http://t.example/aB3.",
         "Ping @ ida about # winter2020 at http :// t.example / aB3 ."},
        {"Visit www.example.org. Then rest.", "Visit www.example.org . | Then rest ."},
        {"C:\\temp\\file.txt and /usr/share/doc", "C :\\ temp \\ file.txt and / usr / share / doc"},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

START_TEST(numbers_with_units_and_formulas)
{
    static const struct example examples[] = {
        {"It costs $5.20, €3 or 5%.", "It costs $ 5.20 , € 3 or 5 % ."},
        {"About 20km at 30°C, 5kg and 10µm.", "About 20km at 30 ° C , 5kg and 10µm ."},
        {"An area of 12 km² and 3 m³, speed 5 ms⁻¹", "An area of 12 km² and 3 m ³ , speed 5 ms⁻¹"},
        {"An area of 12km² or 7 xkmm² or 7 qkmm²", "An area of 12km ² or 7 xkmm ² or 7 qkmm ²"},
        {"Drink H₂O, not C₂H₅OH or Ca(OH)₂ or SO₄²⁻.", "Drink H₂O , not C₂H₅OH or Ca ( OH)₂ or SO₄²⁻ ."},
        {"x² + y² = z²", "x² + y² = z²"},
        {"½ cup, Ⅷ chapters, ٣٤ items", "½ cup , Ⅷ chapters , ٣٤ items"},
        {"1st, 2nd, 3rd", "1st , 2nd , 3rd"},
        {"5-6 and 5–6 and 5−6", "5-6 and 5 – 6 and 5 − 6"},
        {"+49-30-1234", "+ 49-30-1234"},
        {"1/2 3*4 a=b", "1 / 2 3 * 4 a = b"},
        {"a flux of mol³ and mmol⁻² and abcd³", "a flux of mol³ and mmol⁻² and abcd³"},
        {"at x:5 and 5:x", "at x : 5 and 5 : x"},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

START_TEST(quotes_dashes_and_ellipses_are_tokens_of_their_own)
{
    static const struct example examples[] = {
        {"\"Well,\" he said -- \"no\".", "\" Well ,\" he said -- \" no \" ."},
        {"“Well,” he said — ‘no’.", "“ Well ,” he said — ‘ no’ ."},
        {"wait...what and wait…what", "wait ... what and wait … what"},
        {"Hm.. so.", "Hm. . | so ."},
        {"Oh.... I see.", "Oh ... . | I see ."},
        {"(a) [b] {c} <d>", "( a ) [ b ] { c } < d >"},
        {"(((", "((("},
        {"*** stars ***", "*** stars ***"},
        {"a’’b and ’’", "a ’ ’b and ’ ’"},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

START_TEST(emoji_and_symbols_stay_together)
{
    static const struct example examples[] = {
        {"So happy 😀😀 today 👍🏽!", "So happy 😀😀 today 👍🏽 !"},
        {"love💕you", "love 💕 you"},
        {"flags 🇫🇷🇩🇪 family 👨\342\200\215👩\342\200\215👧", "flags 🇫🇷🇩🇪 family 👨\342\200\215👩\342\200\215👧"},
        {"© 2020 ™ ®", "© 2020 ™ ®"},
        {" :-) ;D <3 ^_^", ":-) ; D < 3 ^_^"},
        {"Fun! 😀 More fun.", "Fun ! | 😀 More fun ."},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

START_TEST(white_space_of_all_kinds_parts_words)
{
    static const struct example examples[] = {
        {"a\302\240b\342\200\211c\343\200\200d\011e", "a b c d e"},
        {"End.\302\240Next one.", "End . | Next one ."},
        {"End.\343\200\200Next one.", "End . | Next one ."},
        {"tab\011and\013vertical\014form", "tab and vertical form"},
        {"\034a\034b\034", "a \034 b"},
        {"a\342\200\215b", "a \342\200\215 b"},
        {"End.\034Next.", "End. \034 Next ."},
        {"one\015two", "one two"},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

START_TEST(other_scripts)
{
    static const struct example examples[] = {
        {"東京は大きい。大阪も。 次の文。", "東京は大きい。大阪も 。 | 次の文 。"},
        {"東京は大きい。 大阪も大きい。", "東京は大きい 。 | 大阪も大きい 。"},
        {"全角！ 全角？ 終", "全角 ！ | 全角 ？ | 終"},
        {"Ça va? Élan vital. Über alles.", "Ça va ? | Élan vital . | Über alles ."},
        {"Москва велика. Санкт-Петербург тоже. он", "Москва велика . | Санкт-Петербург тоже. он"},
        {"Αθήνα; Ναι. Όχι!", "Αθήνα ; Ναι . | Όχι !"},
        {"नमस\340\245\215त\340\245\207 द\340\245\201न\340\244\277य\340\244\276। ठ\340\245\200क ह\340\245\210।",
         "नमस\340\245\215त\340\245\207 द\340\245\201न\340\244\277य\340\244\276। ठ\340\245\200क ह\340\245\210।"},
        {"Cafe\314\201 noir. E\314\201lan.", "Cafe \314\201 noir . | E \314\201 lan ."},
        {"ǅ. Next ǅungla", "ǅ. Next ǅungla"},
        {"naïve façade", "naïve façade"},
        {"한국어 문장. 둘째.", "한국어 문장 . | 둘째 ."},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

START_TEST(every_mark_of_a_set_counts)
{
    static const struct example examples[] = {
        {"a\302\255b a֊b a־b a༌b a᐀b a᠆b a‐b a‑b a‒b a⸗b a゠b a-b",
         "a\302\255b a֊b a־b a༌b a᐀b a᠆b a‐b a‑b a‒b a⸗b a゠b a-b"},
        {"a–b a—b a−b a_b", "a – b a — b a − b a _ b"},
        {"A‼ B‽ C⁇ D⁈ E⁉ F。 G﹒ H﹗ I！ J． K？ L｡ M. N! O? P… Q",
         "A ‼ | B ‽ | C ⁇ | D ⁈ | E ⁉ | F 。 | G ﹒ | H ﹗ | I ！ | J ． | K ？ | L ｡ | M. N ! | O ? | P … Q"},
        {"a´s bʹs cʼs d’s e′s f's g`s", "a ´s b ʹs c ʼs d ’s e ′s f 's g ` s"},
        {"It is. \"He is.’ He is.” He is.‘ He is.» He.", "It is . | \" He is.’ | He is . ” | He is. ‘ He is. » He ."},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

/* One line feed parts words and what is cut off at a word's end, two or more part sentences, if no blank is before. */
START_TEST(line_feeds_part_sentences_when_two_stand_together)
{
    static const struct example examples[] = {
        {"One line\ngoes on.", "One line goes on ."},
        {"First part\n\nSecond part", "First part | Second part"},
        {"Kept together \n\nhere", "Kept together here"},
        {"Dot at the line's end.\nNext line", "Dot at the line 's end . | Next line"},
        {"A title.\n\n\nthe rest,\nwith more:\nyes", "A title . | the rest , with more : yes"},
        {"x\n. y", "x . y"},
        {"foo\nbar. Baz\n", "foo bar . | Baz"},
        {"Inner dot.\nand so on\nbare.", "Inner dot . and so on bare ."},
    };
    check_examples(examples, sizeof examples / sizeof *examples);
}
END_TEST

int main(void)
{
    test_add(a_sentence_ends_at_a_terminal_and_white_space, NULL);
    test_add(closing_quotes_and_brackets_belong_to_the_sentence, NULL);
    test_add(abbreviations_end_no_sentence, NULL);
    test_add(single_letters_and_digits_are_no_sentences, NULL);
    test_add(initials_of_people_are_kept, NULL);
    test_add(continuations_join_sentences, NULL);
    test_add(lower_case_after_a_closing_goes_on, NULL);
    test_add(dates_keep_their_dot, NULL);
    test_add(brackets_hold_sentences_together, NULL);
    test_add(words_keep_inner_marks, NULL);
    test_add(marks_at_the_end_of_tokens_come_off, NULL);
    test_add(contractions_are_parted, NULL);
    test_add(web_addresses_and_mail_are_cut_like_segtok_cuts_them, NULL);
    test_add(numbers_with_units_and_formulas, NULL);
    test_add(quotes_dashes_and_ellipses_are_tokens_of_their_own, NULL);
    test_add(emoji_and_symbols_stay_together, NULL);
    test_add(white_space_of_all_kinds_parts_words, NULL);
    test_add(other_scripts, NULL);
    test_add(every_mark_of_a_set_counts, NULL);
    test_add(line_feeds_part_sentences_when_two_stand_together, NULL);
    return test_run("segtok");
}
