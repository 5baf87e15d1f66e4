"""The words of the fables: casts, things, traits, plots, and the tree they make.

Every story has a hero with a trait, a friend, a thing and a place, all fixed in the first two
sentences and needed to the end, where the trait decides the moral. Nothing here knows how texts
are made or measured: that is `grammar`'s business.

A sentence is a template: `[one|or|other]` is a choice, `{name}` a part from `_parts`. Options of
a choice differ before the reader could mix them up, so that no story can be told in two ways.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from .grammar import Choice, Let, Node, Recall, Seq, template


class Trait(NamedTuple):
    """What is told of a hero: announced in the first line, it decides the last."""

    adjective: str
    noun: str
    habits: tuple[str, str]
    saying: str
    morals: tuple[str, str]


# fmt: off
TRAITS = (
    Trait("proud", "pride", ("bowed to mirrors", "looked down on roads"),
          "I never ask the way",
          ("A tall hat meets a low door.", "Who is above the road falls into it.")),
    Trait("greedy", "greed", ("ate with both eyes", "dreamt in second helpings"),
          "Half is such a small word",
          ("Full hands cannot knock.", "Who wants the pie must wash the dish.")),
    Trait("lazy", "sloth", ("rested before naps", "had once seen a morning"),
          "I am early for tomorrow",
          ("Tomorrow is already full.", "Nothing grows in a bed.")),
    Trait("vain", "vanity", ("thanked puddles", "practised smiling"),
          "Tell me the good parts",
          ("Mirrors agree with everyone.", "Pose on one leg, fall on the other.")),
    Trait("hasty", "haste", ("ate pudding first", "left before saying hello"),
          "There is no time to look",
          ("First past the sign, first lost.", "Fast is slow with a bruise.")),
    Trait("nosy", "prying", ("read the neighbours' post", "sniffed at keyholes"),
          "I only open what is closed",
          ("A long nose meets the door.", "A keyhole looks both ways.")),
    Trait("stubborn", "stubbornness", ("argued with gates", "had been wrong since spring"),
          "Facts will not move me",
          ("The wall never has the headache.", "Even a mountain lets the road by.")),
    Trait("chatty", "chatter", ("confided in furniture", "told secrets to geese"),
          "To cut a long story short, no",
          ("An open mouth lets friends out.", "What two know, the pond knows.")),
    Trait("jealous", "envy", ("measured other people's cake", "wished rain on other roofs"),
          "Yours is always nicer",
          ("The greener grass was watered.", "Weigh my bread and yours goes cold.")),
    Trait("forgetful", "forgetting", ("kept a list of lost lists", "greeted strangers, to be safe"),
          "I forget nothing, except which",
          ("Write down where you wrote it down.", "Tie a knot, but keep the string.")),
    Trait("suspicious", "suspicion", ("locked doors from both sides", "cross-examined echoes"),
          "That is what a thief would say",
          ("Count the spoons and dine alone.", "Trust nobody and carry the piano.")),
    Trait("stingy", "thrift", ("split peas", "wound clocks on holidays only"),
          "You look, and I hold",
          ("A candle saved is a shin lost.", "A tight fist catches nothing.")),
    Trait("careless", "carelessness", ("left gates open", "set things down by throwing them"),
          "It will hold",
          ("The knot you skip is the one that slips.", "Nearly shut is open.")),
    Trait("gullible", "simple trust", ("had bought a bridge twice", "obeyed every sign"),
          "Nobody lies in writing",
          ("When a bargain smiles, count its teeth.", "The wolf writes fine invitations.")),
    Trait("cautious", "caution", ("tested puddles for depth", "took a rope to breakfast"),
          "Let us watch from further away",
          ("Wait for the river and know the bank.", "A boat kept dry is a box.")),
    Trait("bossy", "bossiness", ("gave the rain advice", "told the sun where to set"),
          "Let me tell you what you like",
          ("Who steers from the shore stays there.", "Even a cook must ask the soup.")),
)

# fmt: on


def _words(text: str) -> tuple[str, ...]:
    return tuple(" ".join(word.split()) for word in text.split(","))


# Words that are drawn once and recalled.
SHE_NAMES = _words("""
    Ada, Agnes, Alma, Anna, Beatrice, Bella, Berta, Bridget, Celia, Clara, Daisy, Dora, Edith,
    Elsa, Emma, Erna, Flora, Frieda, Gerda, Greta, Hazel, Helga, Hilda, Ida, Ingrid, Lena,
    Lotte, Lucy, Mabel, Maud, Martha, Nell, Nora, Olga, Olive, Opal, Pearl, Petra, Polly, Rosa,
    Ruth, Sophie, Sylvia, Thea, Tilda, Trudy, Wanda, Winnie
""")
HE_NAMES = _words("""
    Albert, Alfred, Anton, Arthur, Barnaby, Basil, Boris, Bruno, Caspar, Cecil, Dexter, Duncan,
    Edgar, Egon, Emil, Ernest, Felix, Frank, Gilbert, Gustav, Hector, Henry, Hugo, Igor, Isaac,
    Leo, Linus, Louis, Magnus, Max, Milo, Ned, Noah, Olaf, Oswald, Otto, Paul, Percy, Peter,
    Ralph, Roland, Rufus, Sam, Silas, Theo, Toby, Walter, Wilfred
""")
# Two lists, so that hero and friend are never of one kind. No word that is he or she by itself.
WILD_KINDS = _words("""
    fox, crow, otter, heron, mole, stoat, magpie, hare, toad, lynx, owl, weasel, jackdaw, ibis,
    marten, puffin, raven, vole, lizard, kestrel, cuckoo, pelican, bat, shrew, falcon, lemur,
    jackal, seal, swallow, panther, rook, wombat
""")
MILD_KINDS = _words("""
    badger, hedgehog, tortoise, goose, squirrel, beaver, donkey, rabbit, frog, mouse, newt,
    goat, quail, pigeon, alpaca, dormouse, hamster, llama, sparrow, snail, camel, gecko, robin,
    moose, penguin, lamb, gopher, finch, sloth, mule, terrapin, yak
""")
QUALITIES = _words("""
    red, blue, old, dented, squeaky, rusty, wobbly, enormous, second-best, yellow, tiny,
    haunted, crooked, leaky, green, lucky, brass, gilded, spotted, velvet, inflatable, folding,
    noisy, purple
""")
THINGS = _words("""
    kettle, umbrella, lantern, fiddle, ladder, teapot, spade, wheelbarrow, clock, hat, trumpet,
    blanket, mirror, axe, basket, bell, saddle, compass, accordion, anvil, quilt, armchair,
    bucket, drum, sledge, barrel, bathtub, telescope, tuba, scarf, cradle, cake tin, rake,
    globe, banjo, canoe, hammock, saucepan, bicycle, cannon, harp, piano, suitcase, throne,
    tricycle, weathercock, wardrobe, flute
""")
PLACES = _words("""
    mill, old bridge, duck pond, crossroads, bakery, chapel, quarry, ferry, orchard, post
    office, marsh, village well, walnut tree, lighthouse, toll gate, railway, smithy, beehives,
    vineyard, fountain, town hall, cheese shop, sundial, haystack, library, brewery, graveyard,
    school, bandstand, sawmill, canal, museum
""")
GOODS = _words("""
    acorns, buttons, walnuts, turnips, plums, pebbles, eggs, candles, thimbles, onions, buns,
    herrings, pins, figs, radishes, marbles
""")
# These follow "a".
WITNESS_QUALITIES = _words("""
    bored, deaf, distant, famous, former, hungry, local, nervous, passing, polite, retired,
    silent, sleepy, tearful, tipsy, visiting, barefoot, bearded, cheerful, muddy, royal, shy,
    solemn, suspended
""")
WITNESSES = _words("""
    aunt, baker, bear, bishop, bride, choirboy, cow, dentist, general, ghost, hermit, juggler,
    miller, pike, plumber, poet, postman, ram, scarecrow, sexton, tailor, trout, uncle, widow,
    barber, butler, clown, cook, count, flea, gardener, hatter
""")
WEATHERS = _words("""
    wet, windy, foggy, dull, golden, frosty, mild, bright, dusty, grey, hot, raw, starry,
    stormy, sunny, snowy, breezy, brisk, cloudy, cool, drizzly, gusty, hazy, humid
""")
DAYS = _words("""
    Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday
""")

# Words that come and go: nothing later depends on them.
SAID = _words("""
    said, remarked, announced, declared, murmured, sang, sighed, observed, whispered, muttered,
    breathed, insisted, shouted, hummed, noted, mumbled, wrote, yelled, lisped, croaked,
    drawled, chanted, grumbled, added, snapped, cried, gasped, moaned, mused, panted, recited,
    stammered, telegraphed, puffed, thought, repeated
""")
ACTED = _words("""
    beamed, blushed, bowed, coughed, curtsied, danced, fainted, fled, giggled, hid, hiccuped,
    howled, hummed, knelt, laughed, left, limped, nodded, shivered, shrugged, slept, sneezed,
    sulked, swore, waltzed, waved, wept, whistled, winked, yawned, yodelled, trembled, blinked,
    clapped, confessed, dozed, dripped, frowned, gargled, grew pale, gulped, hopped, paused,
    pouted, prayed, sniffed, stretched, twitched, stumbled, somersaulted, saluted, wavered,
    wandered off, woke up, melted, relented, rejoiced, retired, kept still, sat down, lay down,
    turned red
""")
DID = _words("""
    adopted, ate, bit, blessed, boiled, borrowed, bought, buried, buttered, counted, dried,
    drew, framed, fried, hid, ironed, insulted, kicked, kissed, licked, married, painted,
    peeled, polished, praised, rented, salted, sold, stroked, sued, tickled, toasted, washed,
    weighed, baptised, bathed, chewed, combed, cursed, dusted, envied, feared, fed, flattered,
    greased, hugged, juggled, measured, misquoted, mourned, nursed, obeyed, patted,
    photographed, pickled, promoted, quoted, rescued, saluted, scolded, sniffed, squeezed,
    stapled, trusted
""")
DOING = _words("""
    bending, blessing, boiling, breathing on, chewing, hiding, ironing, kissing, licking,
    marrying, salting, scratching, sitting on, stroking, tickling, waking, bribing, combing,
    counting, feeding, hugging, painting, praising, quoting
""")
MANNERS = _words("""
    at once, at last, aloud, in tears, in rhyme, in passing, in Latin, by heart, by letter, off
    key, over soup, into a hat, with a bow, with flags, like a duke, on one leg, through the
    door, to the ceiling, mid-sneeze, half asleep, for luck, twice, again, backwards, up a
    ladder, under a table, under protest, out of habit, between sips, without blinking, calmly,
    coldly, darkly, dryly, faintly, flatly, fondly, freely, gladly, grandly, gravely, grimly,
    hotly, humbly, idly, kindly, lamely, lightly, loudly, madly, meekly, mildly, nobly, oddly,
    proudly, quietly, rashly, richly, rudely, sadly, shyly, slowly, smugly, softly, sourly,
    stiffly, sweetly, tamely, tartly, tightly, vaguely, warmly, weakly, wearily, wildly, wisely
""")
# These follow "a".
TRIFLE_QUALITIES = _words("""
    bent, borrowed, broken, burnt, cold, cracked, damp, forged, frozen, hairy, muddy, paper,
    pickled, second, silver, singing, soft, spare, stolen, striped, worn, warm, wooden, woolly,
    boiled, chewed, cheap, dusty, dry, fat, flat, fried, furry, glass, greasy, holy, hot,
    knitted, large, loose, mild, pink, rubber, salted, small, sticky, stuffed, torn, black,
    bronze, clean, faded, fresh, homeless, hopeful, legal, magic, modest, musical, nameless,
    pale, plain, pointed, round, secret, square, stale, sticky-backed, thin, vacant, white, wild
""")
TRIFLES = _words("""
    biscuit, boot, brick, cabbage, cheese, comb, cork, cushion, doorknob, feather, fork, hinge,
    jar, kite, letter, map, medal, mitten, nail, napkin, pancake, pear, pillow, postcard,
    ribbon, sandwich, sausage, shoelace, sock, sponge, spoon, stamp, string, tooth, trombone,
    tulip, waistcoat, whistle, wig, worm, beetroot, bone, bonnet, bun, button, carrot, coin,
    crumpet, cucumber, dumpling, glove, ham, hook, kipper, lemon, lid, mop, mushroom, necktie,
    noodle, parsnip, pie, pipe, plank, potato, pudding, puppet, rope, slipper, statue, stocking,
    teacup, thistle, ticket, towel, trout, tyre, vase, waffle, wheel, apron, bandage, beard,
    bookmark, cactus, carpet, curtain, dictionary, doughnut, fossil, gravestone, haddock,
    kidney, magnet, marrow, moustache, omelette, pamphlet, pebble, pretzel, radish, riddle, rug,
    scone, shovel, sofa, teabag, toupee, trifle, turnip, twig, violet, walnut, yoghurt
""")
NUMBERS = _words("3, 4, 5, 6, 7, 8, 9")


def _article(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def _with_article(words: tuple[str, ...]) -> dict[str, str]:
    return {word: _article(word) for word in words}


class Gender(NamedTuple):
    """Names and pronouns. Hero and friend differ here, so that no pronoun is in doubt."""

    names: tuple[str, ...]
    he: str
    him: str
    his: str  # as in "his hat"
    mine: str  # as in "the hat is his"


SHE = Gender(SHE_NAMES, "she", "her", "her", "hers")
HE = Gender(HE_NAMES, "he", "him", "his", "his")


# Phrases that sentences share; a later one may use an earlier one.
_PHRASES = {
    "near": "[by|behind|near|beyond|beside|below|opposite|above]",
    "Near": "[By|Behind|Near|Beyond|Beside|Below|Opposite|Above]",
    "trifle": "a {trifle quality} {trifle noun}",
    "role": "[neighbour|friend|rival|cousin|doctor|lawyer|tutor|tenant|partner|debtor]",
    "food": "[soup|jam|cheese|cake|stew|toast|porridge|gravy|butter|custard|honey|rice|mustard"
    "|salad|lunch|bread]",
    "possession": "[bath|bed|boat|boots|chimney|coat|cradle|cupboard|desk|dinner|hat|kitchen|pocket"
    "|porridge|shed|soup]",
    "over": "[over|across|under|past|round|through]",
    "landmark": "[moon|river|tower|sea|hill|palace|Alps|forest|harbour|church|prison|market|lake"
    "|rainbow|equator|opera]",
    "habit": "[[{habit a}|{habit b}]|{did} {trifle}]",
    "once": "one {weather} {day} at {time}",
}

_SPEECH = (
    '"{saying}," {said} {h} {how}.',
    '("{saying}," {said} the {h.kind} {how}.)',
    '{h} {did} {trifle}. "{saying}," {h.he} {said}.',
    "",
)

_HERO = (
    "{h} the {h.kind} was {trait} and {habit}.",
    "There was once {h.a_kind} called {h}, so {trait} that {h.he} {habit}.",
    "[Long ago|Once|In the days of good soup|Before clocks|In a dry summer|One war ago], {h.a_kind}"
    " named {h} was so {trait} that {h.he} {habit}.",
    "{h.A_kind}, {trait} [from birth|as ever|to the bone|on principle|by trade|in all weathers],"
    " {habit}. The name was {h}.",
)

_FRIEND_OWNS = (
    "{Near} the {place} lived {f} the {f.kind} with {a_thing} and {trifle}.",
    "{h.His} {role}, {f.a_kind} called {f}, {did} {a_thing} {near} the {place}.",
    "{f} the {f.kind} {did} {a_thing} {near} the {place}.",
)

_HERO_OWNS = (
    "With {a_thing}, {trifle} and {trifle}, {h.he} lived {near} the {place}, next to {f} the"
    " {f.kind}.",
    "{h.He} {did} {a_thing} {near} the {place}, helped by {f} the {f.kind}.",
    "Next to {f} the {f.kind}, {near} the {place}, {h.he} {did} {a_thing}.",
)

# The plots by the owner of the thing: sentences, each in several wordings, none if "".
_FRIEND_PLOTS = {
    "borrow": (
        (
            "{h} borrowed it {once}, for {price}.",
            '"Lend me that for {price}," {said} {h} {once}.',
        ),
        _SPEECH,
        (
            "Within {n} [days|hours] the {thing} [lay|hung|stood|stuck] [in a ditch|on a roof"
            "|under a cow|up a tree|on a train|in the soup] with {a_witness} and {trifle}.",
            "{n} [days|hours] later {a_witness} {did} the {thing} with {trifle}.",
        ),
        (
            "{f} got {trifle} [instead|by post|on a plate|as a loan].",
            '"And mine?" {said} {f}. The {h.kind} {did} {trifle}.',
            "",
        ),
        ("The {f.kind} {did} the {price}, and {witness} {acted}.",),
    ),
    "judge": (
        (
            "{h} [claimed|swore|sang|dreamt|heard|wrote] {once} that it was {h.mine}.",
            '"That is mine," {said} {h} {once}.',
        ),
        (
            "So they took {price} and {trifle} to a judge, {a_witness}.",
            "The judge was {a_witness}, the fee {price} and {trifle}.",
        ),
        _SPEECH,
        (
            "{f} spoke for {n} [hours|minutes|seconds|days] and {did} {trifle}.",
            "For {n} [hours|minutes|seconds|days] {f} {did} {trifle}.",
            "",
        ),
        (
            '"The {thing} is [mine|evidence|ugly|a fake|asleep|art|void|a hat]," {said} {witness},'
            " and kept the {price}.",
            "Then {witness} {did} the {thing} and {did} the {price}. The {h.kind} {acted}.",
        ),
    ),
    "visit": (
        (
            "{h} came for [tea|supper|{trifle}] {once} and stayed {n} days.",
            '"Only for [tea|supper|{trifle}]," {said} {h} {once}, and stayed {n} days.',
        ),
        (
            "{h.He} {did} the {food} and {did} {a_witness}.",
            "{h.He} {acted} {how}, dressed as {a_witness}.",
        ),
        _SPEECH,
        (
            "{f} [wrote|drew up|sang|read out] a bill: {price} for {food}, {trifle}"
            " for {doing} the {thing}.",
            "The bill, {said} {f} {how}, was {price} and {trifle} for {doing} the {thing}.",
        ),
        (
            "The {h.kind} {acted}, and the {f.kind} {did} {trifle}.",
            "{h} {acted} and {acted}, and {witness} moved in with {trifle}.",
        ),
    ),
}

_HERO_PLOTS = {
    "trade": (
        (
            '"{price} for that," {said} {f} {once}.',
            "{f} {acted} {once} and offered {price} and {trifle}.",
        ),
        _SPEECH,
        (
            "They [argued|haggled|bargained|whispered|wept|sulked|danced|fasted] {how} for {n}"
            " days, [watched|advised|fed|billed|hushed|timed] by {a_witness}.",
            "{n} times {h} said no, [once|twice|mostly] {doing} {a_witness}.",
        ),
        (
            "Then {h} [swapped|gave|traded|lost] the {thing} for {trifle}.",
            "At last the {thing} went for {trifle} and {trifle}.",
        ),
        (
            "{f} {acted} and sold it to {witness} for twice the {price}.",
            '"A [fine|fair|sound|bold|clean] bargain," {said} the {h.kind}, and {witness} {did} the'
            " {price}.",
        ),
    ),
    "race": (
        (
            "{h} bet it {once} against {price} and {trifle} that no {f.kind} could [beat|outrun"
            "|catch|follow|pass|tire|shake off|outlast] {h.him}.",
            '"[Race me|Run|Catch me]," {said} {h} {once}. "It is this against {price}."',
        ),
        _SPEECH,
        (
            "After {n} false starts {a_witness} {did} the flag and they ran.",
            "{A_witness} counted to {n}, {acted} and {did} {trifle}. They ran.",
        ),
        (
            "{f} {acted} and [walked|plodded|strolled|waddled|crawled] on. {h} {did} {trifle} and"
            " {did} {trifle}.",
            "{h} paused and {did} {trifle}. {f} [walked|plodded|strolled|waddled|crawled] on.",
            "",
        ),
        (
            "At the {place} the {f.kind} won the {thing}, the {price} and {trifle}.",
            "The {f.kind} {acted} and took the {thing} past the {place} to {witness}.",
        ),
    ),
    "lost": (
        (
            "It was [gone|missing|nowhere|not there|stolen|absent] {once}.",
            "There was only {trifle} in its place {once}.",
        ),
        (
            '"You {did} it," {said} {h} {how} to the {f.kind}.',
            "{h} {did} the {f.kind}, who {acted} {how}.",
        ),
        (
            '"{saying}," {h.he} {said}, and paid {a_witness} {price} to look.',
            'For {price} {a_witness} agreed to look. "{saying}," {said} {h} {how}.',
        ),
        ("{n} days of {doing} {trifle} led to {trifle}.", "The {h.kind} {acted} for {n} days.", ""),
        (
            "{f} {acted}: the {thing} was [in|on|under|behind] {h.his} own {possession}.",
            "Then {f} [found|noticed|smelt] the {thing}. Even so {witness} {did} the {price}.",
        ),
    ),
    "boast": (
        (
            '"I could [throw|carry|balance|kick|play] it {over} the'
            ' {landmark}," {said} {h} {once}.',
            "{h} swore {once} to [throw|carry|balance|kick|play] it {over} the {landmark}.",
        ),
        (
            '"{price} says no," {said} {f} {how}.',
            "{f} {acted}, {did} {trifle} and bet {price}.",
        ),
        _SPEECH,
        (
            "{n} days later {a_witness} came to [watch|boo|paint|judge|bless|hum] with {trifle}.",
            "A crowd of {n} ({a_witness}, and [aunts|pigs|geese|nuns|ants]) came to [watch|boo"
            "|paint|judge|bless|hum].",
        ),
        (
            "{h} {acted}. The {thing} [stayed|flew|came back|hit {witness}|became {trifle}]. The"
            " {f.kind} {did} the {price}.",
            "With a [bang|crack|splash|sigh] the {thing} [stayed|flew|came back|hit {witness}"
            "|became {trifle}]. The {h.kind} {acted} and paid the {price}.",
        ),
    ),
    "dig": (
        (
            "{f} sold {h.him} a treasure map {once}, for {price} and {trifle}.",
            '"Treasure map, {price}," {said} {f} {once}.',
        ),
        _SPEECH,
        (
            "The {h.kind} dug for {n} days and [found|struck|met|woke] {a_witness} and {trifle}.",
            "{n} [holes|blisters|days|lunches] later {a_witness} {acted} and {did} {trifle}.",
        ),
        (
            "Under {trifle} lay the {thing}, [buried|hidden|left|lost] there by {h} [last year"
            "|in a mood|against thieves|for luck|by mistake|on a dare|after lunch|in haste].",
            "Then the [spade|pick|spoon|snout] hit the {thing}, [buried|hidden|left|lost] there by"
            " {h} with {trifle}.",
        ),
        (
            '"[As promised|A true map|As drawn|No refunds]," {said} {f}, and {did} the {price}.',
            "The {f.kind} {acted} and {did} the {price} with {witness}.",
        ),
    ),
}

_MORALS = (
    "Moral: {moral} ({f} the {f.kind} {acted} {how}.)",
    "{f} the {f.kind} {did} {trifle} and {said}: {moral}",
    'A sign on the {thing} reads "{weather} {day}, {time}" and: {moral}',
    "Each {weather} {day} at {time} {witness} tells {h}: {moral}",
    "{Near} the {place} they say of {h} the {h.kind}, {how}: {moral}",
    "So much for {flaw}, {said} {f} {how}. {moral}",
    "{moral} (So {said} {witness} to {h}, and {acted} {how}.)",
)


def _parts(hero: Gender, friend: Gender) -> dict[str, Node]:
    """Return the parts that templates name. The hero is `h`, the friend is `f`."""

    def by_trait(texts: Iterable[str]) -> Recall:
        return Recall("trait", dict(zip((t.adjective for t in TRAITS), texts, strict=True)))

    def witness(article: str) -> Seq:
        return Seq((article, " ", Recall("witness quality"), " ", Recall("witness")))

    kinds = _with_article(WILD_KINDS + MILD_KINDS)
    number = Choice(NUMBERS)
    parts: dict[str, Node] = {
        "h": Recall("hero"),
        "h.kind": Recall("hero kind"),
        "h.a_kind": Recall("hero kind", kinds),
        "h.A_kind": Recall("hero kind", {kind: text.capitalize() for kind, text in kinds.items()}),
        "h.he": hero.he,
        "h.him": hero.him,
        "h.his": hero.his,
        "h.mine": hero.mine,
        "h.He": hero.he.capitalize(),
        "h.His": hero.his.capitalize(),
        "f": Recall("friend"),
        "f.kind": Recall("friend kind"),
        "f.a_kind": Recall("friend kind", kinds),
        "trait": Recall("trait"),
        "habit a": by_trait(t.habits[0] for t in TRAITS),
        "habit b": by_trait(t.habits[1] for t in TRAITS),
        "saying": by_trait(t.saying for t in TRAITS),
        "flaw": by_trait(t.noun for t in TRAITS),
        "moral": Choice(tuple(by_trait(t.morals[i] for t in TRAITS) for i in (0, 1))),
        "thing": Seq((Recall("quality"), " ", Recall("thing"))),
        "a_thing": Seq((Recall("quality", _with_article(QUALITIES)), " ", Recall("thing"))),
        "place": Recall("place"),
        "weather": Recall("weather"),
        "day": Recall("day"),
        "time": Seq((Recall("hour"), ":", Recall("quarter"), Recall("minute"))),
        "price": Seq((Recall("hundreds"), Recall("tens"), Recall("ones"), " ", Recall("goods"))),
        "n": Seq((number, number)),
        "said": Choice(SAID),
        "acted": Choice(ACTED),
        "did": Choice(DID),
        "doing": Choice(DOING),
        "how": Choice(MANNERS),
        "trifle quality": Choice(TRIFLE_QUALITIES),
        "trifle noun": Choice(TRIFLES),
        "witness": witness("the"),
        "a_witness": witness("a"),
        "A_witness": witness("A"),
    }
    for name, source in _PHRASES.items():
        parts[name] = template(source, parts)
    return parts


def _story(hero: Gender, friend: Gender) -> Node:
    parts = _parts(hero, friend)

    def one_of(sentences: tuple[str, ...]) -> Choice:
        return Choice(tuple(template(sentence, parts) for sentence in sentences))

    def told(intro: tuple[str, ...], plots: Iterable[tuple[tuple[str, ...], ...]]) -> Seq:
        plot_trees = []
        for start, *others in plots:
            rest = [one_of(tuple(w and f" {w}" for w in wordings)) for wordings in others]
            plot_trees.append(Seq((one_of(start), *rest)))
        return Seq((one_of(intro), "\n", Choice(tuple(plot_trees))))

    middle = Choice(
        (told(_FRIEND_OWNS, _FRIEND_PLOTS.values()), told(_HERO_OWNS, _HERO_PLOTS.values())),
        (len(_FRIEND_PLOTS), len(_HERO_PLOTS)),
    )
    tree: Node = Seq((one_of(_HERO), " ", middle, "\n", one_of(_MORALS)))
    draws = {
        "hero": hero.names,
        "friend": friend.names,
        "trait": tuple(trait.adjective for trait in TRAITS),
        "quality": QUALITIES,
        "thing": THINGS,
        "place": PLACES,
        "weather": WEATHERS,
        "day": DAYS,
        "hour": NUMBERS,
        "quarter": ("3", "4", "5"),
        "minute": NUMBERS,
        "hundreds": NUMBERS,
        "tens": NUMBERS,
        "ones": NUMBERS,
        "goods": GOODS,
        "witness quality": WITNESS_QUALITIES,
        "witness": WITNESSES,
    }
    for name, values in draws.items():
        tree = Let(name, values, tree)

    def with_kinds(hero_kinds: tuple[str, ...], friend_kinds: tuple[str, ...]) -> Node:
        return Let("hero kind", hero_kinds, Let("friend kind", friend_kinds, tree))

    return Choice((with_kinds(WILD_KINDS, MILD_KINDS), with_kinds(MILD_KINDS, WILD_KINDS)))


@cache
def story() -> Node:
    """Return the grammar of a fable, without the blank line that ends it."""
    return Choice((_story(SHE, HE), _story(HE, SHE)))
