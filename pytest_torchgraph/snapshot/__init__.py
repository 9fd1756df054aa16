r"""The snapshot file: a canonical graph as text, for a reviewer, and back.

A file is UTF-8 lines; two spaces indent what stands beneath a line::

    torchgraph 2                        format
    test tests/test_x.py::test_x        the test that owns the file
    recorded torch 2.13.0, …            a note, not compared
    run eager, train, grad, cpu         modes
    ops 10                              metrics, one a line; "peak" may end with " at SCOPE: OPERATION"
    alive 32768 ×4 saved layers.*.mlp: mul f32[2,16]    bytes of four values that are alive at the peak
    graph 1 forward 52 in "" at forward model.py        of a compiled model: graphs, breaks (``compilation.py``)
    forward Block                       the class of what was traced, its graph beneath
      LINE…
    end

Lines of a body, one for each item of it:

============================================  =========================================================================
``input NAME SPEC``, ``constant SPEC``        a value that no operation made
``addmm(ARGUMENTS) RESULTS``                  an operation; without results it returns just what it wrote; ``sync`` or
                                              ``no sync`` at the end is what its name does not tell of the host
``sdpa(ARGUMENTS)`` and lines beneath         an API call and the operations it came to; ``%in0``, ``%in1``, … are its
                                              tensors in order, every occurrence counted; ``-> none`` if there are none
``attn: Attention(VALUES)`` and lines         a module call; beneath, ``%in0``, ``%in1``, … are the values it takes
``attn#2: Attention(…)``                      the second call of that module in this body
``qkv: Linear = addmm(ARGUMENTS) RESULTS``    a module that does one operation, which names the values as the body
                                              around it does; in ``fc: Linear(VALUES) = mm(%in0)`` it names
                                              them as beneath any module, where the other would not say all
``attn#again: Attention(…)``                  the module call as checkpointing runs it again; ``#again: Block(…)``
                                              is the very call that it stands in
``phase optimizer: AdamW`` and lines          a phase of a training step, where it was begun
``for each of 21 parameters`` and lines       work that a phase does for each parameter; ``for all`` when one operation
                                              takes them all as a list
``leaves weight:f32[4], …``                   a module's parameters, where no line reads them first in this order
``return PATH = VALUE``                       what came out, by its path in the result; a value that nothing but the
                                              caller reads is named through its scopes: ``%model>layers.3>attn>cat``
============================================  =========================================================================

A scope gives the body around it the first result of its last item, as ``%attn``; ``-> %cat, %cat_1`` after its line
says that it gives others (``%attn``, ``%attn:1``), in the order in which they are made, ``-> none`` that it gives
nothing.

**Names.** ``%`` and the name of a scope, an input, or the operation; ``%mul``, ``%mul_1``, … in order, passing over
names that scopes and inputs have; ``%split:1`` is the second result. A parameter has no sigil, and its spec follows
where a scope first reads it: ``weight:f32[8,4]``. ``../weight`` is one of the module call around, with a ``../`` more
for each call on the way out; ``/embed.weight`` is told from the root. Names that are not dotted words, or would be
mistaken, are quoted: ``%"a b"``, ``$"None"``. Operations are without ``aten.`` and their usual overload
(``operations.py``): ``add`` is ``aten.add.Tensor``, ``add.Scalar`` another; other namespaces are written in full;
``@"…"`` quotes.

**Phases.** A module call in a phase stands for the forward call of that name. ``^mm`` is a value of that forward call,
``^in0`` one of its inputs, ``^attn>sdpa:1`` one from a call inside it, ``^^add`` one of the forward call around, with a
``^`` more for each body on the way. ``f32[16,8] to weight.grad`` says that a result is from then on the gradient of
a parameter (as ``to exp_avg``, an optimizer's state), ``to :1 weight.grad`` that its second one is; who reads it names
it so.

**Loops.** In the lines of ``for each`` and ``for all`` the parameter at hand is ``parameter``, its gradient ``grad``,
its state ``exp_avg`` and so on; ``f32[*]`` has the sizes of the parameter; ``[*grad]`` is a list with one for each.
``21 parameters`` are all that got a gradient above, ``19 parameters, without a.bias, b.bias`` all but these.

**Values are read** as their geometry says, relative to the value: ``%qkv[2,16,12,16][:,:,0:4].transpose(1,2)``
(``geometry.py``); ``.view(i32)`` reads the bytes as another type, ``.conj()`` and ``.neg()`` are lazy bits.

**Specs** are ``f32[2,16]`` with what is not ordinary: ``@cuda:0``, ``stride(1,2)``, ``channels_last``, ``offset(4)``,
``layout(sparse_coo)``, ``conj``, ``neg``; ``?`` is the size of a ragged dimension. A result that is an existing value
is its name, a parameter then with ``$``.

**Literals** are Python's, lists and tuples ``[1, 2]``, PyTorch's constants ``torch.float32``, the ranks of a collective
``group(0-3, 8)`` (``0-6:2`` is every second one), packed weights ``packed(qint8[64,32] per_channel_affine)``, others
``<Generator>``.

**What repeats is written once**, and the file says all the same (``marks.py``, ``template.py``, ``throughout.py``)::

    layers.0-31: LlamaDecoderLayer ×32(%embed_tokens | %layers.{i-1}, %rotary_emb)
                                        i counts; what stands before "|" is read in the first repetition
    repeat ×16, i = 0-15                the lines beneath, sixteen times
      input past.{i}.keys f32[2,16]
      mul(%x | %mul{_i-1}, w{:f32[4]})  %mul, %mul_1, …: a number that may go unsaid; w with its spec at first alone
    repeat ×6, i = 1-6 throughout       i counts in all lines beneath, in inner scopes too; what repeats in there counts
      layer{i}: Layer(%x)               with j, and "||" is its bar
        cat([{%in{j} ×{i}}]) f32[{8i}]  a list of i values
        bernoulli_(%cat, {0.9; 0.8; …}) one number for each repetition
    {%past.{i}.keys, %past.{i}.values ×32}    values in a list, i from 0
    norm: RMSNorm(%add) as layers.0.norm      the body is that of the scope at this path, which stands above in full
    layers.7: Layer(%layers.6) like layers.0  the body is written beneath, and "... [3:13]" there stands for items 3
                                              up to 13 of the body of layers.0, counted from 0
    \layers.0-3: …                      the rest of the line is meant as it stands
"""
